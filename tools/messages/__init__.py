"""Every message of the program, collected from its source into one file for reviewers."""
