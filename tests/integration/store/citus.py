"""Fake of Citus: the catalogue that we read and the functions that we call.

It spreads nothing. It notes what it is told, and refuses what Citus refuses: a table twice, a unique key
without the column, a table beside one that is not spread.
"""

from tests.integration.store.probing import Direct

_STAND_IN = """
CREATE SCHEMA citus_stand_in;
CREATE TABLE citus_stand_in.pg_dist_partition (
    logicalrelid regclass PRIMARY KEY, partmethod "char", partkey text, colocationid int
);
CREATE TABLE citus_stand_in.pg_dist_node (nodename text, isactive bool, shouldhaveshards bool, noderole text);
CREATE FUNCTION citus_stand_in.column_to_column_name(regclass, text) RETURNS text LANGUAGE sql AS 'SELECT $2';
CREATE FUNCTION citus_stand_in.create_distributed_table(
    spread regclass, by_column text, distribution_type text DEFAULT 'hash',
    colocate_with text DEFAULT 'default'
) RETURNS void LANGUAGE plpgsql SET search_path = public, citus_stand_in AS $$
DECLARE
    colocated int;
BEGIN
    IF EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = spread) THEN
        RAISE 'table % is already distributed', spread;
    END IF;
    IF EXISTS (
        SELECT 1 FROM pg_index AS i WHERE i.indrelid = spread AND i.indisunique AND NOT EXISTS (
            SELECT 1 FROM pg_attribute AS a
            WHERE a.attrelid = spread AND a.attnum = ANY(i.indkey::int2[]) AND a.attname = by_column
        )
    ) THEN
        RAISE 'cannot create constraint on %: it has to include the distribution column', spread;
    END IF;
    IF colocate_with = 'none' THEN
        SELECT coalesce(max(colocationid), 0) + 1 INTO colocated FROM pg_dist_partition;
    ELSE
        SELECT colocationid INTO STRICT colocated FROM pg_dist_partition
        WHERE logicalrelid = colocate_with::regclass;
    END IF;
    INSERT INTO pg_dist_partition VALUES (spread, 'h', by_column, colocated);
END $$;
"""


def stand_in(db: Direct, *, nodes: int = 2) -> None:
    """Install the fake in a database, outside of the schema of the tables, as Citus is."""
    db(_STAND_IN)
    for number in range(nodes):
        db("INSERT INTO citus_stand_in.pg_dist_node VALUES (?, true, true, 'primary')", f"node-{number}")
    [(name,)] = db("SELECT current_database()")
    db(f'ALTER DATABASE "{name}" SET search_path = public, citus_stand_in')


def note_spread(db: Direct, **tables: tuple[str, str | None, int]) -> None:
    """Make the fake report tables as distributed, by method, column and group."""
    for table, (method, column, group) in tables.items():
        db(
            "INSERT INTO citus_stand_in.pg_dist_partition VALUES (CAST(? AS regclass), ?, ?, ?)",
            *(table, method, column, group),
        )


def spread_tables(db: Direct) -> dict[str, tuple[str, int]]:
    """Return each distributed table with its column and group."""
    rows = db(
        "SELECT c.relname, p.partkey, p.colocationid FROM citus_stand_in.pg_dist_partition AS p"
        " JOIN pg_class AS c ON c.oid = p.logicalrelid"
    )
    return {table: (column, group) for table, column, group in rows}
