"""Which tables there are, as a model is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from orchestrator.errors import ToolRetry
from orchestrator.ports import Result
from tools.sql_rows import Query, SqlReader
from tools.sql_trouble import Unreadable

__all__ = ["described", "tables_of"]

MOST_COLUMNS: Final = 2_000
MOST_CHARS: Final = 18_000
"""Of all that is told: what a tool may say at once."""

# Both give: table, its kind, what is said of it, column, type, whether it must be there, whether it is a key, to what
# it leads, what is said of it.
_POSTGRES: Final = """
select case when pg_table_is_visible(t.oid) then '' else n.nspname || '.' end || t.relname,
       case t.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
                      else 'table' end,
       coalesce(obj_description(t.oid, 'pg_class'), ''),
       c.attname::text, format_type(c.atttypid, c.atttypmod), c.attnotnull,
       exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary and c.attnum = any (i.indkey)),
       coalesce((select k.confrelid::regclass::text || '(' || f.attname || ')'
                   from pg_constraint k join pg_attribute f on f.attrelid = k.confrelid and f.attnum = k.confkey[1]
                  where k.conrelid = t.oid and k.contype = 'f' and k.conkey = array[c.attnum] limit 1), ''),
       coalesce(col_description(t.oid, c.attnum), '')
  from pg_class t
  join pg_namespace n on n.oid = t.relnamespace
  join pg_attribute c on c.attrelid = t.oid and c.attnum > 0 and not c.attisdropped
 where t.relkind in ('r', 'p', 'v', 'm', 'f') and not t.relispartition
   and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
   and has_schema_privilege(n.oid, 'usage') and has_column_privilege(t.oid, c.attnum, 'select')
   and strpos(lower(n.nspname || '.' || t.relname), lower($1)) > 0
 order by not pg_table_is_visible(t.oid), n.nspname, t.relname, c.attnum
"""
_SQLITE: Final = """
select t.name, t.type, '', c.name, c.type, c."notnull", c.pk > 0,
       coalesce((select f."table" || '(' || coalesce(f."to", '') || ')' from pragma_foreign_key_list(t.name) f
                  where f."from" = c.name limit 1), ''),
       ''
  from pragma_table_list t join pragma_table_xinfo(t.name) c
 where t.schema = 'main' and t.name not like 'sqlite\\_%' escape '\\' and t.type in ({kinds})
   and c.hidden <> 1 and instr(lower(t.name), lower(?)) > 0
 order by t.name, c.cid
"""
_SQLITE_VIEWS: Final = """
select t.name, t.type, 'its columns cannot be told', '', '', 0, 0, '', '' from pragma_table_list t
 where t.schema = 'main' and t.type = 'view' and instr(lower(t.name), lower(?)) > 0
 order by t.name
"""


class Table(msgspec.Struct, frozen=True):
    """One table, and its columns as they are told."""

    name: str
    kind: str
    about: str
    columns: list[str]


async def tables_of(reader: SqlReader, kind: str, name: str, seconds: float) -> tuple[list[Table], bool]:
    """The tables that can be read and whose name holds `name`; and whether those are all."""
    if kind == "postgresql":
        found = await _rows(reader, Query(_POSTGRES, [name], seconds))
    else:
        found = await _rows(reader, Query(_SQLITE.replace("{kinds}", "'table', 'virtual'"), [name], seconds))
        try:
            found += await _rows(reader, Query(_SQLITE.replace("{kinds}", "'view'"), [name], seconds))
        except (ToolRetry, Unreadable):
            # One view of a table that is gone must not hide all others.
            found += await _rows(reader, Query(_SQLITE_VIEWS, [name], seconds))
    return _grouped(found), len(found) < MOST_COLUMNS


async def _rows(reader: SqlReader, query: Query) -> list[Sequence[Any]]:
    found: list[Sequence[Any]] = []
    async with reader.reading(query) as rows:
        while len(found) < MOST_COLUMNS and (more := await rows.next(200)):
            found.extend(more)
    return found


def described(tables: Sequence[Table], *, every: bool, name: str, untrusted: bool) -> Result:
    """What a model reads."""
    if not tables:
        return Result(f"There is no table called {name!r}." if name else "There are no tables that may be read.")
    lines: list[str] = []
    chars = 0
    for table in tables:
        line = f"{table.name} ({table.kind}{f': {table.about}' if table.about else ''})"
        line += f": {', '.join(table.columns)}" if table.columns else ""
        if chars + len(line) > MOST_CHARS:
            every = False
            break
        chars += len(line)
        lines.append(line)
    left = "" if every else f"; the first {len(lines)} only, so ask with a part of a name"
    head = f"{len(tables)} table{'' if len(tables) == 1 else 's'}{left}:"
    data = {"tables": [msgspec.to_builtins(table) for table in tables[: len(lines)]], "whole": every}
    return Result("\n".join([head, *lines]), data=data, untrusted=untrusted)


def _grouped(rows: Iterable[Sequence[Any]]) -> list[Table]:
    tables: dict[str, Table] = {}
    for name, kind, about, column, type_, needed, key, leads_to, column_about in rows:
        table = tables.setdefault(str(name), Table(str(name), str(kind), " ".join(str(about).split())[:200], []))
        if not column:
            continue
        said = f"{column} {type_}".strip()
        said += " primary key" if key else " not null" if needed else ""
        said += f" -> {str(leads_to).removesuffix('()')}" if leads_to else ""
        said += f" ({' '.join(str(column_about).split())[:200]})" if column_about else ""
        table.columns.append(said)
    return list(tables.values())
