"""The terms that a report defines, one file per group of topics."""
