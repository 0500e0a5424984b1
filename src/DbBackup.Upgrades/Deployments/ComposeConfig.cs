namespace DbBackup.Upgrades.Deployments;

/// <summary>Reads the output of <c>docker compose config</c>: the merged project files, always indented by two spaces a level.</summary>
internal static class ComposeConfig
{
    /// <summary>Returns the image of a service; null if the service is built.</summary>
    public static string? ImageOf(string config, string service)
    {
        string section = string.Empty;
        string present = string.Empty;
        foreach (string line in config.Split('\n'))
        {
            int depth = line.Length - line.TrimStart(' ').Length;
            string text = line.Trim();
            // An empty line within a multi-line string.
            if (text.Length == 0)
                continue;
            if (depth == 0)
                section = text;
            else if (depth == 2)
                present = text;
            else if (depth == 4 && section == "services:" && present.TrimEnd(':').Trim('"', '\'') == service && text.StartsWith("image:", StringComparison.Ordinal))
                return text["image:".Length..].Trim().Trim('"', '\'');
        }

        return null;
    }
}
