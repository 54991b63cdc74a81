"""The scenarios of the team's guide, on the reference models: done right, where the guide itself does them wrong."""
