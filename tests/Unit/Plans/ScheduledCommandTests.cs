using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Schedules;

namespace DbBackup.Tests.Unit.Plans;

public sealed class ScheduledCommandTests
{
    [Fact]
    public void A_module_that_each_shell_finds_is_named_and_another_is_a_path()
    {
        Assert.Equal("DbBackup", ScheduledCommand.ModuleName("/usr/local/share/powershell/Modules/DbBackup/0.1.0/DbBackup.psd1", ["/usr/local/share/powershell/Modules/"]));
        Assert.Equal("/srv/ModulesX/DbBackup/DbBackup.psd1", ScheduledCommand.ModuleName("/srv/ModulesX/DbBackup/DbBackup.psd1", ["/srv/Modules"]));
    }

    [Theory]
    [InlineData("nightly", "nightly")]
    [InlineData("2024", "'2024'")]
    [InlineData("a b", "'a b'")]
    [InlineData("Ann's", "'Ann''s'")]
    [InlineData("Ann’s", "'Ann’’s'")]
    [InlineData("a;b", "'a;b'")]
    public void Names_are_quoted_for_powershell(string name, string expected) =>
        Assert.Contains($"Invoke-DbBackupPlan -Name {expected} -Scope Machine", ScheduleSimulation.Command.Script(name, PlanScope.Machine, "Schedule"), StringComparison.Ordinal);

    [Fact]
    public void Units_are_of_letters_that_cron_reads_and_differ_by_scope_name_and_folder()
    {
        PlanFolders one = PlanFolders.At("/srv/one");
        string[] units =
        [
            .. ((string[])["nightly", "night.ly", "night_2ely", "Übernacht", new string('ä', 100), new string('ä', 99) + "b"]).SelectMany(name =>
                (string[])[PlanIdentity.Of(name, one).Unit, PlanIdentity.Of(name, PlanFolders.At("/srv/two")).Unit, PlanIdentity.Of(name, PlanFolders.Of(PlanScope.Machine)).Unit]),
        ];
        Assert.Equal(units.Length, units.Distinct().Count());
        Assert.All(units, unit => Assert.Matches("^[A-Za-z0-9_-]{1,200}$", unit));
        Assert.Equal("dbbackup-machine-nightly", PlanIdentity.Of("nightly", PlanFolders.Of(PlanScope.Machine)).Unit);
    }
}
