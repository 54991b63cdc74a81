"""Renders an explanation as JSON. ``docs/commands.md`` documents the format."""

from __future__ import annotations

import json
from dataclasses import asdict

from ctrlgen.explain.explanation import ExplainedMethod, ExplainedModel, Explanation, summary

VERSION = 1
"""The version of the format. It is increased when a key is renamed or removed, but not when one is added."""


def as_json(explanation: Explanation) -> str:
    """Return the explanation as JSON."""
    return json.dumps(as_data(explanation), indent=2, ensure_ascii=False) + "\n"


def as_data(explanation: Explanation) -> dict[str, object]:
    """Return the data of the JSON document, which the explorer also uses."""
    return {
        "version": VERSION,
        "incomplete": explanation.incomplete,
        "models": [_model(model) for model in explanation.models],
    }


def _model(model: ExplainedModel) -> dict[str, object]:
    return {
        "name": model.name,
        "module": model.module,
        "location": model.location,
        "table": model.table,
        "attribute": model.attribute,
        "controller": model.controller,
        "schema": model.structure.schema,
        "doc": model.structure.doc,
        "comment": model.structure.comment,
        "columns": [asdict(column) for column in model.structure.columns],
        "indexes": [asdict(index) for index in model.structure.indexes],
        "foreign_keys": [asdict(key) for key in model.structure.foreign_keys],
        "relationships": [asdict(relationship) for relationship in model.structure.relationships],
        "select_list": model.select_list,
        "methods": [_method(method) for method in model.methods],
        "absent": [{"name": absence.name, "reason": absence.reason} for absence in model.absent],
        "missing_indexes": [
            {"finder": index.finder, "source": index.source, "foreign_key": index.is_foreign_key}
            for index in model.missing_indexes
        ],
    }


def _method(method: ExplainedMethod) -> dict[str, object]:
    return {
        "name": method.name,
        "kind": method.kind,
        "signature": str(method.signature),
        "doc": method.doc,
        "statements": [
            {"sql": statement.sql, "parameters": list(statement.parameters)} for statement in method.statements
        ],
        "cost": {
            "least": method.cost.least,
            "most": method.cost.most,
            "per": method.cost.per,
            "loads": method.cost.loads,
            "transaction": method.cost.in_transaction,
            "orm": method.cost.by_orm,
            "cached": method.cost.cached,
        },
        "index": {"name": method.backing, "origin": method.origin} if method.origin else None,
        "scans": method.scans,
        "summary": summary(method),
        "problem": method.problem,
    }
