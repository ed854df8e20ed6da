"""HTML pages that stand alone: no network, no script needed, light, dark and print."""
