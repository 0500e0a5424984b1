using DbBackup.Engine.Plans.Status;
using static DbBackup.Tests.Unit.Plans.Status.StatusSample;

namespace DbBackup.Tests.Unit.Plans.Status;

/// <summary>A plan's sources are those that its runs backed up; what it names itself stands in until one has.</summary>
public sealed class PlanSourcesTests
{
    private static PlanParameterDictionary Entry(string parameter, object value) => new([new(parameter, value)]);

    private static IReadOnlyList<string> Of(PlanParameterDictionary[] entries, params BackupRun[] runs) => PlanSources.Of(Nightly(plan => plan with { Backup = entries }), runs);

    [Fact]
    public void Before_the_first_run_an_entry_stands_for_what_it_will_find() => Assert.Equal(
        ["shop", "app", "-Path /srv/*.db", "-ComposeProject shop", "-Path postgresql://db/x"],
        Of([Entry("Source", "shop"), Entry("Path", "/srv/app.db"), Entry("Path", "/srv/*.db"), Entry("ComposeProject", "shop"), Entry("Path", "postgresql://db/x")]).Select(name => name.Replace("'", string.Empty, StringComparison.Ordinal)));

    [Fact]
    public void A_run_tells_the_names_and_a_name_that_the_plan_states_stays()
    {
        PlanParameterDictionary[] entries = [Entry("ComposeProject", "shop"), Entry("Source", "wiki"), Entry("Path", "/srv/app.db")];
        Assert.Equal(["shop-db", "wiki"], Of(entries, Run(Noon, source: "shop-db")));
        // A run that made nothing tells nothing.
        Assert.Equal(["-ComposeProject shop", "wiki", "app"], Of(entries, Run(Noon, BackupRunState.Failed, source: null)));
    }

    [Fact]
    public void A_source_of_an_older_run_is_still_the_plans() =>
        Assert.Equal(["new", "old"], Of([Entry("Path", "/srv/*.db")], Run(Noon, source: "new"), Run(Noon.AddDays(-9), source: "old")));
}
