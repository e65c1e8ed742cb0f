"""The texts in other languages: parts written by subject, merged and compiled into one catalogue per language."""
