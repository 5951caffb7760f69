"""Games: tables of turns, one file for each way of learning."""
