using System.Globalization;

namespace DbBackup;

/// <summary>Sizes for people. Properties stay numbers of bytes, so that <c>Where Size -gt 1GB</c> works; views and messages use this.</summary>
public static class ByteSize
{
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB", "PB"];

    /// <summary>Writes a number of bytes with three significant digits in PowerShell's own units (1KB = 1024 bytes): <c>1.46 MB</c>.</summary>
    public static string Format(long bytes)
    {
        double value = bytes;
        int unit = 0;
        // 999.5 would be shown as "1000": one unit up reads better.
        while (Math.Abs(value) >= 999.5 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        string format = unit == 0 || Math.Abs(value) >= 99.95 ? "0" : Math.Abs(value) >= 9.995 ? "0.0" : "0.00";
        return $"{value.ToString(format, CultureInfo.InvariantCulture)} {Units[unit]}";
    }
}
