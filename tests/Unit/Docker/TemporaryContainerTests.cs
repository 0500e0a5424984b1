using DbBackup.Engine.Docker.Files;

namespace DbBackup.Tests.Unit.Docker;

/// <summary>Which of the module's own containers a sweep may remove.</summary>
public sealed class TemporaryContainerTests
{
    [Fact]
    public void That_of_a_living_run_is_kept() =>
        Assert.False(TemporaryContainer.IsAbandoned(TemporaryContainer.OwnLabels(), DateTimeOffset.UtcNow.AddDays(-30)));

    [Fact]
    public void That_of_a_dead_run_is_removed_at_once() =>
        Assert.True(TemporaryContainer.IsAbandoned(OfDeadRun(), DateTimeOffset.UtcNow));

    // Its process id means another process here, or none.
    [Theory]
    [InlineData(1, false)]
    [InlineData(3, true)]
    public void That_of_a_run_in_another_process_namespace_is_kept_for_two_days(int days, bool abandoned)
    {
        Dictionary<string, string> labels = OfDeadRun();
        labels["dbbackup.host"] += "0";
        Assert.Equal(abandoned, TemporaryContainer.IsAbandoned(labels, DateTimeOffset.UtcNow.AddDays(-days)));
    }

    private static Dictionary<string, string> OfDeadRun()
    {
        Dictionary<string, string> labels = TemporaryContainer.OwnLabels();
        labels["dbbackup.process"] = (int.MaxValue / 4).ToString(System.Globalization.CultureInfo.InvariantCulture);
        return labels;
    }
}
