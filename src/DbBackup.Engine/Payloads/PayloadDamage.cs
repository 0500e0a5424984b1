using System.Globalization;

namespace DbBackup.Engine.Payloads;

/// <summary>The failures that a damaged payload comes out as.</summary>
internal static class PayloadDamage
{
    private const string Hint =
        "Restore another backup of this source (Get-DbBackup lists them, Test-DbBackup proves one), or copy this file again from another place that keeps it.";

    /// <summary>The decoder could not go on.</summary>
    internal static BackupFailure Undecodable(Payload expected, long storedOffset, InvalidDataException exception) => Create(
        expected,
        string.Create(CultureInfo.InvariantCulture, $"it cannot be decompressed beyond about byte {storedOffset} of {expected.StoredSize}: {exception.Message.TrimEnd('.')}"),
        exception);

    /// <summary>It cannot be decrypted.</summary>
    internal static BackupFailure Unopenable(Payload expected, Exception exception) =>
        Create(expected, $"it cannot be decrypted: {exception.Message.TrimEnd('.')}", exception);

    /// <summary>There is more content than there should be, found before the end.</summary>
    internal static BackupFailure TooLong(Payload expected) =>
        Create(expected, string.Create(CultureInfo.InvariantCulture, $"its content is longer than the {expected.OriginalSize} bytes that the manifest states"));

    /// <summary>Compares what was read with what the manifest states.</summary>
    /// <param name="expected">The manifest's entry.</param>
    /// <param name="found">What was read; null values were not looked at.</param>
    /// <exception cref="BackupFailure">Something differs.</exception>
    internal static void ThrowIfDifferent(Payload expected, FoundPayload found)
    {
        List<string> differences = [];
        if (found.StoredSize != expected.StoredSize)
            differences.Add(Sizes("the file", found.StoredSize, expected.StoredSize));
        if (!Same(found.StoredSha256, expected.StoredSha256))
            differences.Add("the file's SHA-256 is another than the manifest states");
        if (found.OriginalSize is { } size && size != expected.OriginalSize)
            differences.Add(Sizes("the content", size, expected.OriginalSize));
        if (found.OriginalSha256 is { } hash && !Same(hash, expected.OriginalSha256))
            differences.Add("the content's SHA-256 is another than the manifest states");
        if (differences.Count > 0)
            throw Create(expected, string.Join("; ", differences));
    }

    private static bool Same(string left, string right) => string.Equals(left, right, StringComparison.OrdinalIgnoreCase);

    private static string Sizes(string what, long found, long expected) =>
        string.Create(CultureInfo.InvariantCulture, $"{what} has {(found > expected ? "more than the" : $"{found} bytes instead of")} {expected}{(found > expected ? " bytes that it should have" : string.Empty)}");

    private static BackupFailure Create(Payload expected, string what, Exception? inner = null) =>
        new(ErrorCodes.BackupDamaged, FailureCategory.InvalidData, $"The payload '{expected.FileName}' is damaged: {what}.", Hint, inner)
        {
            Target = expected.FileName,
        };
}

/// <summary>What reading a payload found.</summary>
internal readonly record struct FoundPayload(long StoredSize, string StoredSha256, long? OriginalSize = null, string? OriginalSha256 = null);
