using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Swap;

/// <summary>The names of databases that restores have kept: what they were called, and when they were replaced.</summary>
internal static class KeptName
{
    /// <summary>What such names look like, as PostgreSQL and .NET both read it.</summary>
    public const string Pattern = "_before_[0-9]{8}t[0-9]{6}z(_[0-9]+)?$";

    // NAMEDATALEN less the closing zero byte: https://www.postgresql.org/docs/current/limits.html
    private const int LongestName = 63;

    /// <summary>The name for a database that is replaced now.</summary>
    public static string For(string database, DateTimeOffset now, int number = 1)
    {
        string ending = "_before_" + now.UtcDateTime.ToString("yyyyMMdd't'HHmmss'z'", CultureInfo.InvariantCulture) + (number > 1 ? string.Create(CultureInfo.InvariantCulture, $"_{number}") : string.Empty);
        return WithEnding(database, ending);
    }

    /// <summary>A database's name with an ending, short enough for the server.</summary>
    public static string WithEnding(string name, string ending)
    {
        while (Encoding.UTF8.GetByteCount(name) + ending.Length > LongestName)
            name = name[..^(char.IsLowSurrogate(name[^1]) ? 2 : 1)];
        return name + ending;
    }
}
