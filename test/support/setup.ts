// Before the first test: nothing yet.
