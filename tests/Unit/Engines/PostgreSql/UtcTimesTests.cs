using System.Globalization;
using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

public sealed class UtcTimesTests
{
    // Each as a server of version 15 wrote it, in the zone that it names and in UTC.
    [Theory]
    [InlineData("2026-11-21 10:00:00+01", "2026-11-21 09:00:00+00")]
    [InlineData("2026-01-01 00:30:00.000001+05:30", "2025-12-31 19:00:00.000001+00")]
    [InlineData("2024-02-28 23:59:59.5-09", "2024-02-29 08:59:59.5+00")]
    [InlineData("1900-01-01 00:00:00+00:53:28", "1899-12-31 23:06:32+00")]
    [InlineData("0001-12-31 12:00:00+01 BC", "0001-12-31 11:00:00+00 BC")]
    [InlineData("0001-01-01 00:00:00+01", "0001-12-31 23:00:00+00 BC")]
    [InlineData("10000-01-01 00:00:00+01", "9999-12-31 23:00:00+00")]
    [InlineData("294276-12-31 23:59:59+14", "294276-12-31 09:59:59+00")]
    public void A_time_is_rewritten_to_UTC(string text, string expected)
    {
        foreach ((string before, string after) in ((string, string)[])[("", ""), ("1\t", "\tx"), ("{\"", "\"}"), ("[\"" + text + "\",\"", "\")"), ("a+b ", " - 3")])
            Assert.Equal(before.Replace(text, expected, StringComparison.Ordinal) + expected + after, Rewrite(before + text + after));
    }

    [Theory]
    [InlineData("2026-11-21 10:00:00+00")]
    [InlineData("2026-11-21 10:00:00")]
    [InlineData("10:00:00+01")]
    [InlineData("x26-11-21 10:00:00+01")]
    [InlineData("026-11-21 10:00:00+01")]
    [InlineData("2026-11-21T10:00:00+01")]
    [InlineData("2026-11-21 10:00:00.+1")]
    [InlineData("2026-11-21 10:00:00+1")]
    [InlineData("2026-11-21 10:00:00+011")]
    [InlineData("2026-11-21 10:00:00.1234567+01")]
    [InlineData("+-+-+-")]
    [InlineData("")]
    public void What_is_no_time_with_another_zone_stays(string text) => Assert.Equal(text, Rewrite(text));

    [Fact]
    public void Any_instant_in_any_zone_becomes_the_instant_in_UTC()
    {
        var random = new Random(20261121);
        for (int round = 0; round < 20_000; round++)
        {
            var instant = new DateTime(random.NextInt64(DateTime.MinValue.AddDays(2).Ticks, DateTime.MaxValue.AddDays(-2).Ticks) / TimeSpan.TicksPerSecond * TimeSpan.TicksPerSecond, DateTimeKind.Utc);
            TimeSpan zone = TimeSpan.FromMinutes(random.Next(1, 14 * 60) * (random.Next(2) == 0 ? 1 : -1));
            string sign = zone < TimeSpan.Zero ? "-" : "+";
            string text = string.Create(CultureInfo.InvariantCulture, $"{instant + zone:yyyy-MM-dd HH:mm:ss}{sign}{zone:hh\\:mm}");

            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"{instant:yyyy-MM-dd HH:mm:ss}+00"), Rewrite(text));
        }
    }

    private static string Rewrite(string text) => Encoding.UTF8.GetString(new UtcTimes().Rewrite(Encoding.UTF8.GetBytes(text)));
}
