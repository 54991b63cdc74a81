"""Sets ctrlgen up in a project: ``commands.init`` asks, and the modules here say what is to be written.

``found_models`` finds modules of models and suggests a folder, ``offered_files`` makes the files.
"""
