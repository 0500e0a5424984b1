namespace DbBackup.Engine.Retention;

/// <summary>What a retention policy decides of a repository.</summary>
/// <param name="Decisions">One for each backup, in the order of the listing.</param>
/// <param name="Stops">The sources of which nothing is removed, and why.</param>
public sealed record RetentionPlan(IReadOnlyList<RetentionDecision> Decisions, IReadOnlyList<RetentionStop> Stops);

/// <summary>Why a policy removes nothing of a source.</summary>
/// <param name="Source">The source.</param>
/// <param name="Newest">Its newest backup, which does not stand for the older ones.</param>
/// <param name="Reason">What is wrong with that, as in <c>is Damaged</c>.</param>
/// <param name="Hint">The next step.</param>
public sealed record RetentionStop(string Source, Backup Newest, string Reason, string Hint)
{
    /// <inheritdoc/>
    public override string ToString() => $"Nothing of '{Source}' is removed, for its newest backup '{Newest}' {Reason}. {Hint}";
}
