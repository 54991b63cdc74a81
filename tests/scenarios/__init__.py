"""The scenarios of the team's guide on the reference models, corrected where the guide's own code is wrong."""
