using Cronos;

namespace DbBackup.Testing;

/// <summary>Cron expressions of many kinds, always the same for a seed.</summary>
internal static class ScheduleSamples
{
    private static readonly string[] s_zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns", "Pacific/Chatham"];

    public static string Zone(Random random) => s_zones[random.Next(s_zones.Length)];

    /// <summary>An expression that has times.</summary>
    public static string Expression(Random random, bool plain)
    {
        while (true)
        {
            string text = $"{Field(random, 0, 59)} {Field(random, 0, 23)} {Days(random, plain)} {(random.Next(4) == 0 ? Field(random, 1, 12) : "*")} {Weekdays(random, plain)}";
            if (CronExpression.Parse(text).GetNextOccurrence(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), TimeZoneInfo.Utc) is not null)
                return text;
        }
    }

    private static string Days(Random random, bool plain) => random.Next(plain ? 4 : 8) switch
    {
        < 3 => "*",
        3 => Field(random, 1, 31),
        4 => "L",
        5 => $"L-{random.Next(1, 10)}",
        6 => $"{random.Next(1, 29)}W",
        _ => "LW",
    };

    private static string Weekdays(Random random, bool plain) => random.Next(plain ? 5 : 7) switch
    {
        < 3 => random.Next(2) == 0 ? "*" : "?",
        3 => Field(random, 0, 7),
        4 => random.Next(2) == 0 ? "MON-FRI" : "FRI-MON",
        5 => $"{random.Next(0, 7)}#{random.Next(1, 5)}",
        _ => $"{random.Next(0, 7)}L",
    };

    private static string Field(Random random, int first, int last)
    {
        int Value() => random.Next(first, last + 1);
        return random.Next(7) switch
        {
            0 => "*",
            1 => $"*/{random.Next(1, last)}",
            2 => $"{Value()}-{Value()}",
            3 => $"{Value()}/{random.Next(1, last)}",
            4 => $"{Value()},{Value()},{Value()}",
            5 => $"{Value()}-{Value()}/{random.Next(1, 6)}",
            _ => $"{Value()}",
        };
    }
}
