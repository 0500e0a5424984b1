using System.Globalization;
using System.IO.Hashing;

namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>The rows of one table as COPY text gives them.</summary>
/// <param name="Count">How many.</param>
/// <param name="Hash">The sum of their hashes with the name of its kind, <c>xxh128:…</c> or <c>xxh128-utc:…</c>; null where it is not known.</param>
internal readonly record struct TableRows(long Count, string? Hash)
{
    /// <summary>The rows of both; the hash is known if both are of one kind.</summary>
    public static TableRows operator +(TableRows left, TableRows right)
    {
        string? hash = null;
        if (left.Hash?.Split(':') is [var kind, var sum] && right.Hash?.Split(':') is [var other, var more] && kind == other
            && UInt128.TryParse(sum, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out UInt128 first)
            && UInt128.TryParse(more, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out UInt128 second))
            hash = $"{kind}:{unchecked(first + second).ToString("x32", CultureInfo.InvariantCulture)}";
        return new TableRows(left.Count + right.Count, hash);
    }
}

/// <summary>
/// Counts the rows of COPY text as it passes, and sums their hashes, modulo 2^128, so that the order on disk does not matter. Pushed with
/// chunks of any size; constant memory. A row is a line: COPY writes line ends within values as <c>\n</c> and <c>\r</c>.
/// </summary>
/// <param name="inUtc">True if times with a zone count as they are in UTC, whatever zone the text has them in (<see cref="UtcTimes"/>).</param>
/// <remarks>
/// XXH128 with the seed 0 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md) over the row without its line end. It finds
/// what went wrong, not who meant harm: bytes that somebody changed are told by the payload's SHA-256. Not safe for use by several threads.
/// </remarks>
internal sealed class CopyRows(bool inUtc = false)
{
    /// <summary>The kind of a hash of rows as they stand.</summary>
    public const string Plain = "xxh128:";

    /// <summary>The kind of a hash of rows with their times in UTC.</summary>
    public const string Utc = "xxh128-utc:";

    // A longer row that has to be looked at as a whole leaves the content of its table unknown.
    private const int LongestRewritten = 16 << 20;
    private const int EndMarkLength = 2;

    private readonly XxHash128 _hash = new();
    private readonly byte[] _head = new byte[EndMarkLength];
    private readonly UtcTimes? _times = inUtc ? new UtcTimes() : null;
    private byte[] _whole = [];
    private UInt128 _sum;
    private long _rows;
    private long _carried;
    private bool _heldReturn;
    private bool _isUnknown;

    /// <summary>True if a table's hash is one of times in UTC.</summary>
    public static bool IsUtc(string? hash) => hash?.StartsWith(Utc, StringComparison.Ordinal) == true;

    /// <summary>True if a hash is one of those made here; another one is a newer module's, and not compared.</summary>
    public static bool IsKnown(string? hash) => IsUtc(hash) || hash?.StartsWith(Plain, StringComparison.Ordinal) == true;

    /// <summary>True once the line <c>\.</c> has passed.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>True if no byte has passed since the last line end.</summary>
    public bool IsBetweenRows => _carried == 0 && !_heldReturn;

    /// <summary>How many rows have passed.</summary>
    public long Count => _rows;

    /// <summary>Begins the rows of another table.</summary>
    public void Reset()
    {
        (_sum, _rows, _carried, _heldReturn, _isUnknown, IsEnded) = (0, 0, 0, false, false, false);
        _times?.Reset();
        _hash.Reset();
    }

    /// <summary>Takes the next bytes, up to and with the line <c>\.</c> if it is among them.</summary>
    /// <returns>How many bytes it took.</returns>
    public int Append(ReadOnlySpan<byte> chunk)
    {
        int at = 0;
        while (at < chunk.Length && !IsEnded)
        {
            ReadOnlySpan<byte> rest = chunk[at..];
            int end = rest.IndexOf((byte)'\n');
            if (end < 0)
            {
                Carry(rest);
                return chunk.Length;
            }

            EndRow(rest[..end]);
            at += end + 1;
        }

        return at;
    }

    /// <summary>What has passed.</summary>
    /// <param name="asUtc">True if the hash is one of times in UTC even where no time had to be rewritten.</param>
    public TableRows Result(bool asUtc = false)
    {
        bool utc = asUtc || _times?.HasRewritten == true;
        return new TableRows(_rows, _isUnknown ? null : (utc ? Utc : Plain) + _sum.ToString("x32", CultureInfo.InvariantCulture));
    }

    private void EndRow(ReadOnlySpan<byte> rest)
    {
        if (_carried == 0 && !_heldReturn)
        {
            ReadOnlySpan<byte> row = WithoutReturn(rest);
            if (row.SequenceEqual("\\."u8))
                IsEnded = true;
            else
                Add(row);
            return;
        }

        // The carriage return of a dump that was written on Windows: in a value it would be written as \r.
        if (!rest.IsEmpty)
        {
            if (_heldReturn)
                Keep("\r"u8);
            Keep(WithoutReturn(rest));
        }

        if (_carried == EndMarkLength && _head.AsSpan().SequenceEqual("\\."u8))
            IsEnded = true;
        else if (_times is null)
            Count128(_hash.GetCurrentHashAsUInt128());
        else if (_carried <= LongestRewritten)
            Add(_whole.AsSpan(0, (int)_carried));
        else
            (_isUnknown, _rows) = (true, _rows + 1);
        _carried = 0;
        _heldReturn = false;
        _hash.Reset();
    }

    private void Add(ReadOnlySpan<byte> row) => Count128(XxHash128.HashToUInt128(_times is null ? row : _times.Rewrite(row)));

    private void Count128(UInt128 hash)
    {
        _sum = unchecked(_sum + hash);
        _rows++;
    }

    private void Carry(ReadOnlySpan<byte> part)
    {
        if (_heldReturn)
            Keep("\r"u8);
        _heldReturn = part[^1] == '\r';
        Keep(WithoutReturn(part));
    }

    private void Keep(ReadOnlySpan<byte> part)
    {
        for (int index = 0; index < part.Length && _carried + index < EndMarkLength; index++)
            _head[_carried + index] = part[index];
        if (_times is null)
        {
            _hash.Append(part);
        }
        else if (_carried + part.Length <= LongestRewritten)
        {
            if (_carried + part.Length > _whole.Length)
                Array.Resize(ref _whole, (int)Math.Min(LongestRewritten, 2 * (_carried + part.Length)));
            part.CopyTo(_whole.AsSpan((int)_carried));
        }

        _carried += part.Length;
    }

    private static ReadOnlySpan<byte> WithoutReturn(ReadOnlySpan<byte> row) => row.Length > 0 && row[^1] == '\r' ? row[..^1] : row;
}
