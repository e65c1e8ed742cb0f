"""The worker: a loop over duties, each of which looks for what is due and does it in small transactions."""
