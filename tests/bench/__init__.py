"""Benchmarks: ratios against bare baselines in the same run, medians of alternating rounds. `make bench` prints them."""
