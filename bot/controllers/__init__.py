"""The bot's business logic: controllers of its own, each derived from an emitted one.

`[tool.ctrlgen.controllers]` in pyproject.toml puts them in the place of the emitted ones, so `db.case` is a `Cases`.
Nothing in here knows of Discord; nothing outside of here writes to more than one table at a time.
"""
