"""Statements that travel together: their parameters, their rows, and the order in which they take their locks."""

from uuid import UUID

from shared.runtime.trip import read_together, write_together

A = UUID(int=1)


async def test_queries_of_different_shapes_bring_their_own_rows(database):
    async with database.connection() as connection:
        numbers, pairs, none = await read_together(
            connection,
            [
                ("select n from unnest($1::int[]) as n order by n", [[2, 1]]),
                ("select $2::text, id, $1::jsonb from unnest($3::uuid[]) as id", ['{"a": 1}', "x", [A]]),
                ("select 1 where false", []),
            ],
        )

    assert [tuple(row) for row in numbers] == [(1,), (2,)]
    assert [tuple(row) for row in pairs] == [("x", A, {"a": 1})]
    assert none == []


async def test_statements_are_carried_out_in_the_order_they_are_given(database):
    add = "insert into labels (shelf, name, weight) select unnest($1::text[]), 'x', nextval('turns')"
    async with database.connection() as connection, connection.transaction():
        await connection.execute("create temporary sequence turns")
        parts = [(add, [[name]]) for name in ("first", "second", "third")]
        transaction_id = await write_together(connection, parts)
        kept = await connection.fetch("select shelf from labels order by weight")
        known = await connection.fetchval("select pg_current_xact_id_if_assigned()::text")

    assert [row["shelf"] for row in kept] == ["first", "second", "third"]
    assert transaction_id == known
