"""`python -m cli` is `encore`."""

from encore_harness import main

main()
