"""One page about a sweep or some runs, to send on: what was asked, what won, how sure that is, and how to redo it."""
