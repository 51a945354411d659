"""What a spool gives up: pictures and records that are too many or too old."""

from __future__ import annotations

from edge.fit import strip_picture
from edge.spool_file import ROW_BYTES
from edge.spool_stock import Stock

EXPIRE_RECORDS = 200  # in one transaction, so that nobody waits long
QUOTA_REASON = "spool quota"
AGE_REASON = "spool age limit"


class Limits:
    """Drops pictures first, oldest first, and then the oldest records; the newest record always stays.

    Every call is within a transaction of the stock.

    Args:
        stock: The spool's.
        quota_bytes: What the records may take.
    """

    def __init__(self, stock: Stock, quota_bytes: int) -> None:
        self._stock, self._quota_bytes = stock, quota_bytes

    def keep_quota(self) -> None:
        """Drop as much as the quota asks for."""
        while self._stock.bytes > self._quota_bytes:
            if not self._drop_pictures() and not self._drop_records():
                return

    def _drop_pictures(self) -> bool:
        """Drop the oldest pictures as far as needed; return whether there was one."""
        query = "SELECT epoch, seq, line, length(picture) FROM records WHERE picture IS NOT NULL"
        rows = self._stock.database.execute(query + " ORDER BY epoch, seq LIMIT 50").fetchall()
        for row in rows:
            if self._stock.bytes <= self._quota_bytes:
                break
            self._strip(row, QUOTA_REASON)
        return bool(rows)

    def strip_older(self, before: float) -> bool:
        """Drop some of the pictures from before a time (Unix seconds); return whether there was one."""
        query = "SELECT epoch, seq, line, length(picture) FROM records"
        query += " WHERE spooled_at < ? AND picture IS NOT NULL LIMIT ?"
        rows = self._stock.database.execute(query, [before, EXPIRE_RECORDS]).fetchall()
        for row in rows:
            self._strip(row, AGE_REASON)
        return bool(rows)

    def _strip(self, row: tuple[int, int, bytes, int], reason: str) -> None:
        """Drop the picture of a record, given as epoch, number, line and the picture's length."""
        epoch, seq, line, size = row
        short = strip_picture(line, reason)
        update = "UPDATE records SET line = ?, picture = NULL WHERE epoch = ? AND seq = ?"
        self._stock.database.execute(update, [short, epoch, seq])
        self._stock.bytes += len(short) - len(line) - size

    def drop_older(self, before: float) -> None:
        """Drop the records from before a time (Unix seconds), and those before them."""
        query = "SELECT epoch, max(seq) FROM records WHERE spooled_at < ? GROUP BY epoch"
        last = dict(self._stock.database.execute(query, [before]).fetchall())
        for epoch in self._stock.epochs:
            if epoch.id in last:
                self._stock.delete(epoch, last[epoch.id])

    def _drop_records(self) -> bool:
        """Drop the oldest records of one epoch as far as needed; return whether there was one to drop."""
        query = "SELECT epoch, seq, length(line) FROM records ORDER BY epoch, seq LIMIT 500"
        rows = self._stock.database.execute(query).fetchall()
        newest = self._stock.epochs[-1]
        epoch, upto, excess = None, 0, self._stock.bytes - self._quota_bytes
        for row, seq, size in rows:
            last_one = (row, seq) == (newest.id, newest.next - 1)
            if excess <= 0 or last_one or row != rows[0][0]:
                break
            epoch, upto, excess = row, seq, excess - size - ROW_BYTES
        for known in self._stock.epochs:
            if known.id == epoch:
                self._stock.delete(known, upto)
        return epoch is not None
