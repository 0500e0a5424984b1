namespace HelpBuilder;

/// <summary>The YAML block under a parameter: a flat list of <c>key: value</c>, which needs no YAML library.</summary>
internal sealed record ParameterFacts
{
    private static readonly string[] s_required =
    [
        "Type", "Parameter Sets", "Aliases", "Required", "Position", "Default value", "Accept pipeline input", "Accept wildcard characters",
    ];

    /// <summary>The type's short name, as in <c>String[]</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The parameter sets it belongs to; empty for all.</summary>
    public required IReadOnlyList<string> Sets { get; init; }

    /// <summary>Other names.</summary>
    public required IReadOnlyList<string> Aliases { get; init; }

    /// <summary>The values that can be given; empty where any can.</summary>
    public required IReadOnlyList<string> AcceptedValues { get; init; }

    /// <summary>Whether it must be given.</summary>
    public required bool Required { get; init; }

    /// <summary>Its position, or <c>Named</c>.</summary>
    public required string Position { get; init; }

    /// <summary>The value without it.</summary>
    public required string DefaultValue { get; init; }

    /// <summary>Whether and how it takes pipeline input, as in <c>True (ByValue)</c>.</summary>
    public required string PipelineInput { get; init; }

    /// <summary>Whether wildcards are expanded.</summary>
    public required bool Wildcards { get; init; }

    /// <summary>Whether it is a switch.</summary>
    public bool IsSwitch => Type == "SwitchParameter";

    /// <summary>Reads a block; reports what is missing or unknown and goes on with empty values.</summary>
    /// <param name="yaml">The block's lines.</param>
    /// <param name="line">The line of its first key, counted from 1.</param>
    /// <param name="errors">Where faults go.</param>
    public static ParameterFacts Read(IEnumerable<string> yaml, int line, HelpErrors errors)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        int current = line;
        foreach (string text in yaml)
        {
            int colon = text.IndexOf(':', StringComparison.Ordinal);
            string key = colon < 0 ? text.Trim() : text[..colon].Trim();
            if (key.Length > 0)
            {
                if (colon < 0 || (!s_required.Contains(key) && key != "Accepted values"))
                    errors.Add(current, $"'{key}' is not a key of a parameter's block.");
                else
                    values[key] = text[(colon + 1)..].Trim();
            }

            current++;
        }

        foreach (string key in s_required.Where(key => !values.ContainsKey(key)))
            errors.Add(line, $"The parameter's block has no '{key}'.");

        string sets = values.GetValueOrDefault("Parameter Sets", "");
        return new ParameterFacts
        {
            Type = values.GetValueOrDefault("Type", ""),
            Sets = sets == "(All)" ? [] : Split(sets),
            Aliases = Split(values.GetValueOrDefault("Aliases", "")),
            AcceptedValues = Split(values.GetValueOrDefault("Accepted values", "")),
            Required = IsTrue(values, "Required", line, errors),
            Position = values.GetValueOrDefault("Position", "Named"),
            DefaultValue = values.GetValueOrDefault("Default value", "None"),
            PipelineInput = values.GetValueOrDefault("Accept pipeline input", "False"),
            Wildcards = IsTrue(values, "Accept wildcard characters", line, errors),
        };
    }

    private static string[] Split(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static bool IsTrue(Dictionary<string, string> values, string key, int line, HelpErrors errors)
    {
        if (bool.TryParse(values.GetValueOrDefault(key, "False"), out bool value))
            return value;
        errors.Add(line, $"'{key}' is '{values[key]}'; write True or False.");
        return false;
    }
}
