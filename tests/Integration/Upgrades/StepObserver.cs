namespace DbBackup.Tests.Integration.Upgrades;

/// <summary>Does something when an upgrade comes to a step, or says something.</summary>
/// <param name="acts">The step, or a part of a warning, and what is done.</param>
internal sealed class StepObserver(params (string When, Action Act)[] acts) : IOperationObserver
{
    public void Progress(OperationProgress progress)
    {
        if (progress.Activity.StartsWith("Upgrading", StringComparison.Ordinal))
            Act(progress.Step, exact: true);
    }

    public void Verbose(string message)
    {
    }

    public void Warning(string message) => Act(message, exact: false);

    private void Act(string said, bool exact)
    {
        foreach ((_, Action act) in acts.Where(each => exact ? said == each.When : said.Contains(each.When, StringComparison.Ordinal)))
            act();
    }
}
