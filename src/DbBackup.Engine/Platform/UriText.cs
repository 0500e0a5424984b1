namespace DbBackup.Engine.Platform;

/// <summary>Reads URIs that a user or a manifest gives.</summary>
internal static class UriText
{
    /// <summary>The URI; null where the text is none. The framework's own way throws for some that have marks of direction in them.</summary>
    public static Uri? TryParse(string text)
    {
        try
        {
            return Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) ? uri : null;
        }
        catch (Exception exception) when (exception is IndexOutOfRangeException or ArgumentException or FormatException)
        {
            return null;
        }
    }
}
