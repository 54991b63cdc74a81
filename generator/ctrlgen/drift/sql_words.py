"""Splits SQL into statements and words, which ``migrated_schema`` reads one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import TokenType

Name = tuple[str | None, str]
"""The schema, if one is written, and the name of a table or a type."""

_LONGEST_NAME = 63  # bytes; PostgreSQL cuts off the rest


@dataclass(frozen=True, slots=True)
class Word:
    """A token of SQL: a keyword or a name in lower case, a quoted name, a string, or a punctuation mark."""

    text: str
    is_name: bool = True
    is_quoted: bool = False

    def is_any(self, keywords: Iterable[str]) -> bool:
        """Return whether this is one of these keywords."""
        return self.is_name and not self.is_quoted and self.text in keywords


class SqlReader:
    """Reads the words of a statement, one after the other."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = words
        self._position = 0

    def at_end(self) -> bool:
        """Return whether all words were read."""
        return self._position >= len(self._words)

    def step(self) -> None:
        """Skip a word."""
        self._position += 1

    def next_is(self, keyword: str) -> bool:
        """Return whether a keyword follows."""
        return not self.at_end() and self._words[self._position].is_any({keyword})

    def take(self, *keywords: str) -> bool:
        """Return whether these keywords follow, and skip them."""
        following = self._words[self._position : self._position + len(keywords)]
        has = len(following) == len(keywords) and all(
            word.is_any({keyword}) for word, keyword in zip(following, keywords, strict=True)
        )
        self._position += len(keywords) * has
        return has

    def skip(self, keywords: Iterable[str]) -> None:
        """Skip any of these keywords that follow."""
        while not self.at_end() and self._words[self._position].is_any(keywords):
            self.step()

    def until(self, keyword: str) -> bool:
        """Skip everything before a keyword, and return whether it is there."""
        while not self.at_end() and not self.next_is(keyword):
            self.step()
        return not self.at_end()

    def name(self) -> str:
        """Return the next word, or an empty string at the end."""
        name = "" if self.at_end() else self._words[self._position].text
        self.step()
        return name.encode()[:_LONGEST_NAME].decode(errors="ignore")

    def qualified(self) -> Name:
        """Return the next name, with its schema if that is written."""
        first = self.name()
        return (first, self.name()) if self.take(".") else (None, first)

    def rest(self) -> Sequence[Word]:
        """Return all words that follow, and skip them."""
        rest = self._words[self._position :]
        self._position = len(self._words)
        return rest

    def group(self) -> Sequence[Word]:
        """Return the words between this parenthesis and the one that closes it, and skip them."""
        start, depth = self._position + 1, 0
        while not self.at_end():
            depth += self.next_is("(") - self.next_is(")")
            self.step()
            if not depth:
                break
        return self._words[start : self._position - 1]


def parts(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Split words at commas outside of parentheses."""
    start = depth = 0
    for position, word in enumerate(words):
        depth += word.is_any("(") - word.is_any(")")
        if not depth and word.is_any(","):
            yield words[start:position]
            start = position + 1
    yield words[start:]


def first_words(words: Sequence[Word]) -> frozenset[str]:
    """Return the first word of each element of a list of columns."""
    return frozenset(SqlReader(part).name() for part in parts(words))


def split_statements(sql: str) -> Iterator[Sequence[Word]]:
    """Split SQL into statements, without comments."""
    words: list[Word] = []
    for token in sqlglot.tokenize(sql, read="postgres"):
        if token.token_type == TokenType.SEMICOLON:
            yield words
            words = []
        elif token.token_type == TokenType.IDENTIFIER:
            words.append(Word(token.text, is_quoted=True))
        elif token.token_type.name.endswith("STRING"):
            words.append(Word(token.text, is_name=False))
        elif token.token_type != TokenType.HINT:
            words += map(Word, token.text.lower().split())  # some tokens are several words, such as PRIMARY KEY
    yield words
