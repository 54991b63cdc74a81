"""Sets up ctrlgen in a project. ``commands.init`` asks the questions, and these modules prepare the files.

``found_models`` finds modules of models and suggests an output folder; ``offered_files`` renders the files.
"""
