using System.Text.Json;

namespace DbBackup.Tests.Unit.Retention;

public sealed class RetentionPolicyTests
{
    [Theory]
    [InlineData("7d,4w,12m", "7d,4w,12m")]
    [InlineData("12mo, 4W 7D", "7d,4w,12m")]
    [InlineData("24h,1y", "24h,1y")]
    [InlineData("last=3,daily=7", "last=3,7d")]
    [InlineData("within=30d", "within=30d")]
    [InlineData("within=2w", "within=14d")]
    [InlineData("within=36h", "within=36h")]
    [InlineData("within=90min", "within=01:30:00")]
    [InlineData("7d,PreMigration=90d,safety=14d", "7d")]
    [InlineData("7d,premigration=1y", "7d,PreMigration=365d")]
    [InlineData("7d,Safety=none", "7d,Safety=none")]
    [InlineData("7d,reason:Nightly=3d,Manual=60d", "7d,Manual=60d,reason:Nightly=3d")]
    [InlineData("4w,weeklyOn=saturday", "4w,weeklyOn=Saturday")]
    [InlineData("7d,timeZone=America/New_York", "7d,timeZone=America/New_York")]
    [InlineData("7d,status=checked,collapseBelow=0.5", "7d,status=Checked,collapseBelow=0.5")]
    [InlineData("0d,7w", "7w")]
    public void A_text_is_read_and_written(string text, string written)
    {
        RetentionPolicy policy = RetentionPolicy.Parse(text);
        Assert.Equal(written, policy.ToString());
        Assert.Equal(policy, RetentionPolicy.Parse(written));
        RetentionPolicy? stored = JsonSerializer.Deserialize<RetentionPolicy>(JsonSerializer.Serialize(policy));
        Assert.Equal(policy, stored);
        Assert.Equal(policy.GetHashCode(), stored!.GetHashCode());
    }

    [Theory]
    [InlineData("")]
    [InlineData(" , ")]
    [InlineData("7")]
    [InlineData("7d,14d")]
    [InlineData("7d,daily=3")]
    [InlineData("12mo,3m")]
    [InlineData("-7d")]
    [InlineData("7.5d")]
    [InlineData("7s")]
    [InlineData("d")]
    [InlineData("7dd")]
    [InlineData("99999999999d")]
    [InlineData("last=-1")]
    [InlineData("last=")]
    [InlineData("lasst=3")]
    [InlineData("withn=30d")]
    [InlineData("within=30")]
    [InlineData("within=12m")]
    [InlineData("within=-12:00")]
    [InlineData("7d,weeklyOn=Caturday")]
    [InlineData("7d,weeklyOn=3")]
    [InlineData("7d,timeZone=Mars/Olympus")]
    [InlineData("7d,status=Damaged")]
    [InlineData("7d,status=Proved")]
    [InlineData("7d,collapseBelow=2")]
    [InlineData("7d,collapseBelow=0.1")]
    [InlineData("7d,collapseBelow=NaN")]
    [InlineData("7d,Rehearsal=3d")]
    [InlineData("7d,reason:=3d")]
    public void What_is_no_policy_is_refused(string text) => Assert.Throws<FormatException>(() => RetentionPolicy.Parse(text));

    [Fact]
    public void A_bare_number_and_minutes_say_what_to_write()
    {
        Assert.Contains("7d for days", Assert.Throws<FormatException>(() => RetentionPolicy.Parse("7")).Message, StringComparison.Ordinal);
        Assert.Contains("12mo for months", Assert.Throws<FormatException>(() => RetentionPolicy.Parse("within=12m")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("within=0d", true)]
    [InlineData("PreMigration=1y", true)]
    [InlineData("0d", true)]
    [InlineData("last=1", false)]
    [InlineData("within=1d", false)]
    public void A_policy_tells_whether_it_keeps_anything(string text, bool keepsNothing) => Assert.Equal(keepsNothing, RetentionPolicy.Parse(text).KeepsNothing);

    [Fact]
    public void A_policy_has_the_usual_ages_and_takes_values_that_are_checked()
    {
        var policy = new RetentionPolicy { Daily = 7, WeeklyOn = DayOfWeek.Monday };
        Assert.Equal(TimeSpan.FromDays(90), policy.ByReason["premigration"]);
        Assert.Equal(TimeSpan.FromDays(14), policy.ByReason[BackupReason.Safety]);
        Assert.Equal(TimeZoneInfo.Local, policy.GetTimeZone());
        Assert.Equal(TimeSpan.FromHours(1), (policy with { TimeZone = "Europe/Berlin" }).GetTimeZone().BaseUtcOffset);
        Assert.NotEqual(policy, policy with { WeeklyOn = DayOfWeek.Sunday });
        Assert.Throws<FormatException>(() => policy with { Daily = -1 });
        Assert.Throws<FormatException>(() => policy with { Within = TimeSpan.FromDays(-1) });
        Assert.Throws<FormatException>(() => policy with { WeeklyOn = (DayOfWeek)7 });
        Assert.Throws<FormatException>(() => policy with { RequiredStatus = BackupStatus.Mismatched });
        Assert.Throws<FormatException>(() => policy with { TimeZone = "Mars" });
    }
}
