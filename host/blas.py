"""Numbers of numpy and scipy that are the same on any number of cores.

Their BLAS shares a product out among its threads, and each share is summed by itself: with another number of threads
the last bits differ, and with them a weight that lies between two whole numbers.
"""

from __future__ import annotations

from threadpoolctl import threadpool_limits

# Decorator: within the function the BLAS of numpy and scipy has one thread.
one_blas_thread = threadpool_limits.wrap(limits=1, user_api="blas")
