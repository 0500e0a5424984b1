using System.Globalization;

namespace DbBackup.Bench;

/// <summary>What one run measures.</summary>
internal sealed record BenchOptions
{
    /// <summary>The size of the database, in MB.</summary>
    public int SizeMB { get; init; } = 500;

    /// <summary>How many rounds are measured; one more is run before them and not counted.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>How many backups are listed.</summary>
    public int Backups { get; init; } = 10_000;

    /// <summary>How many hosts the simulated fleet has.</summary>
    public int Hosts { get; init; } = 1000;

    /// <summary>How many small files a folder has.</summary>
    public int Files { get; init; } = 20_000;

    /// <summary>Where the data is kept between runs.</summary>
    public string DataFolder { get; init; } = Path.Combine(Path.GetTempPath(), "dbbackup-bench");

    /// <summary>The folder of the programs of the PostgreSQL server; null for the newest installed.</summary>
    public string? ServerPrograms { get; init; }

    /// <summary>Only these parts; empty for all.</summary>
    public IReadOnlySet<string> Only { get; init; } = new HashSet<string>();

    /// <summary>Whether a part of the run is wanted.</summary>
    public bool Wants(string part) => Only.Count == 0 || Only.Contains(part);

    /// <summary>Reads the command line.</summary>
    /// <returns>Null where it is not understood.</returns>
    public static BenchOptions? Parse(string[] args)
    {
        var options = new BenchOptions();
        for (int i = 0; i + 1 < args.Length; i += 2)
        {
            string value = args[i + 1];
            switch (args[i])
            {
                case "--size":
                    options = options with { SizeMB = Number(value) };
                    break;
                case "--rounds":
                    options = options with { Rounds = Number(value) };
                    break;
                case "--backups":
                    options = options with { Backups = Number(value) };
                    break;
                case "--hosts":
                    options = options with { Hosts = Number(value) };
                    break;
                case "--files":
                    options = options with { Files = Number(value) };
                    break;
                case "--data":
                    options = options with { DataFolder = Path.GetFullPath(value) };
                    break;
                case "--server":
                    options = options with { ServerPrograms = Path.GetFullPath(value) };
                    break;
                case "--only":
                    options = options with { Only = value.Split(',').ToHashSet() };
                    break;
                default:
                    return null;
            }
        }

        return args.Length % 2 == 0 && options is { SizeMB: > 0, Rounds: > 0, Backups: > 0, Hosts: > 0, Files: > 0 } ? options : null;
    }

    private static int Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;
}
