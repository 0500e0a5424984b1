namespace DbBackup.Upgrades.Deployments;

/// <summary>Reads what <c>docker compose config</c> prints: the project's files put together, always in the same plain layout of two spaces a level.</summary>
internal static class ComposeConfig
{
    /// <summary>The image of a service; null where it has none of its own, because it is built.</summary>
    public static string? ImageOf(string config, string service)
    {
        string section = string.Empty;
        string present = string.Empty;
        foreach (string line in config.Split('\n'))
        {
            int depth = line.Length - line.TrimStart(' ').Length;
            string text = line.Trim();
            // Within a text of several lines.
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
