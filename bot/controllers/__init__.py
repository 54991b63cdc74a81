"""The bot's business logic: controllers that derive from emitted ones.

`[tool.ctrlgen.controllers]` in pyproject.toml replaces the emitted controllers by these, so `db.case` is a `Cases`.
Nothing here depends on Discord, and no code outside of this package writes to more than one table at a time.
"""
