"""The settings of one run of the command: from options, environment, file and prompt."""
