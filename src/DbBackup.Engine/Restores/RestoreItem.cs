namespace DbBackup.Engine.Restores;

/// <summary>A target of a restore with the names under which it waits for its place.</summary>
/// <param name="Target">What goes where.</param>
/// <param name="Swap">The names.</param>
/// <param name="IsWithin">Whether it lies in a folder of the same restore, and takes its place together with that.</param>
internal sealed record RestoreItem(RestoreTarget Target, StagedSwap Swap, bool IsWithin)
{
    /// <summary>Whether it is put in place by a rename of its own.</summary>
    public bool IsSwapped => !IsWithin && Target.Action != RestoreAction.WriteInto;

    /// <summary>
    /// The items of a plan. Databases come first: whether they have been swapped decides if a killed restore is finished or undone.
    /// </summary>
    public static IReadOnlyList<RestoreItem> For(RestorePlan plan)
    {
        List<RestoreItem> folders =
        [
            .. plan.Targets.Where(target => target.Payload.Kind == PayloadKind.Files)
                .Select(target => new RestoreItem(target, StagedSwap.For(target.Path, isFolder: true), false)),
        ];
        var items = new List<RestoreItem>();
        foreach (RestoreTarget target in plan.Targets.Where(target => target.Payload.Kind == PayloadKind.Database))
        {
            RestoreItem? around = folders.Find(folder => RestorePlanner.PathWithin(folder.Target.Payload, target.Payload) is not null);
            items.Add(around is null
                ? new RestoreItem(target, StagedSwap.For(target.Path, isFolder: false), false)
                : new RestoreItem(target, StagedSwap.Within(around.Swap, RestorePlanner.PathWithin(around.Target.Payload, target.Payload)!), true));
        }

        return [.. items, .. folders];
    }
}
