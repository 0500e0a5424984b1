namespace DbBackup.Tests.Unit.Model;

public sealed class BackupAgeTests
{
    [Theory]
    [InlineData("7d", 7 * 86400)]
    [InlineData("12h", 12 * 3600)]
    [InlineData(" 30m ", 30 * 60)]
    [InlineData("90s", 90)]
    [InlineData("2w", 14 * 86400)]
    [InlineData("6mo", 180 * 86400)]
    [InlineData("1y", 365 * 86400)]
    [InlineData("1.5w", 907200)]
    [InlineData("2 weeks", 14 * 86400)]
    [InlineData("1.12:00:00", 129600)]
    [InlineData("0.5H", 1800)]
    public void An_age_is_read(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), BackupAge.Parse(text, null).Value);

    [Theory]
    [InlineData("7")]
    [InlineData("")]
    [InlineData("d")]
    [InlineData("-7d")]
    [InlineData("1.2.3d")]
    [InlineData("7 parsecs")]
    [InlineData("99999999999d")]
    [InlineData("79228162514264337593543950335y")]
    [InlineData("1,5d")]
    [InlineData("7dd")]
    public void What_is_no_age_is_refused(string text) => Assert.Throws<FormatException>(() => BackupAge.Parse(text, null));

    [Fact]
    public void An_age_compares_with_what_people_type()
    {
        var age = new BackupAge(TimeSpan.FromDays(10));
        Assert.All((object[])[7m, "7d", "1w", "12h", TimeSpan.FromDays(9), new BackupAge(TimeSpan.Zero)], other => Assert.True(age.CompareTo(other) > 0));
        Assert.All((object[])["2w", 11m, "1mo"], other => Assert.True(age.CompareTo(other) < 0));
        Assert.True(age.Equals("10d"));
        Assert.False(age.Equals("soon"));
        Assert.Equal(1, age.CompareTo(null));
    }

    [Theory]
    [InlineData(7)]
    [InlineData(7L)]
    [InlineData(7.0)]
    [InlineData("7")]
    [InlineData(true)]
    public void A_bare_number_is_refused_with_the_unit_to_write(object number)
    {
        var age = new BackupAge(TimeSpan.FromDays(10));

        Assert.Throws<ArgumentException>(() => age.CompareTo(number));
        Assert.False(age.Equals(number));
        if (number is int)
            Assert.Contains("7d", Assert.Throws<FormatException>(() => age > (BackupAge)(int)number).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_number_of_days_beyond_all_time_is_refused() => Assert.Throws<FormatException>(() => (BackupAge)decimal.MaxValue);

    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(119, "119 s")]
    [InlineData(120, "2 min")]
    [InlineData(7199, "119 min")]
    [InlineData(7200, "2 h")]
    [InlineData(172799, "47 h")]
    [InlineData(172800, "2 d")]
    [InlineData(90 * 86400, "3 mo")]
    [InlineData(730 * 86400, "2.0 y")]
    [InlineData(-300, "in 5 min")]
    public void An_age_is_shown_in_its_largest_sensible_unit(double seconds, string shown) =>
        Assert.Equal(shown, new BackupAge(TimeSpan.FromSeconds(seconds)).ToString());

    [Fact]
    public void The_smallest_time_span_is_shown_too() => Assert.StartsWith("in ", new BackupAge(TimeSpan.MinValue).ToString(), StringComparison.Ordinal);
}
