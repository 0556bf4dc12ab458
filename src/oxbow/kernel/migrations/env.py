"""Alembic's entry: run the migrations on the connection (and in the transaction) that the caller opened."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # SQLite cannot alter a column: batch operations rebuild the table there, and alter it elsewhere.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
