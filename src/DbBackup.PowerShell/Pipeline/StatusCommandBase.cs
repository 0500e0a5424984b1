using System.ComponentModel;
using System.Management.Automation;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Status;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>A command that looks at how sources are backed up.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[ParameterGroup<RepositoryParameters>(Members = [nameof(Repository)])]
public abstract partial class StatusCommandBase : RepositoryCommandBase
{
    /// <summary>Names of plans or wildcards.</summary>
    [Parameter]
    [Alias("Name")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(PlanCompleter))]
    public string[]? Plan { get; set; }

    /// <summary>How old the newest good backup may be where no plan says it.</summary>
    [Parameter]
    public BackupAge? Rpo { get; set; }

    /// <summary>What the parameters say is to be looked at.</summary>
    /// <exception cref="BackupException">A plan that is named without wildcards is not there.</exception>
    private protected StatusRequest Request()
    {
        if (Rpo is { Value: var rpo } && rpo <= TimeSpan.Zero)
            throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "The RPO is an age, and longer than nothing.", "Write it as in -Rpo 26h.");
        IReadOnlyList<StatusPlan> all = StatusPlan.All();
        RequirePlans(all);
        RepositoryLocation? repository = Plan is null || Repository is not null ? RepositoryArgument.Resolve(Repository, ResolvePath) : null;
        // The work asks from another thread, on which the session's location cannot be read.
        string here = SessionState.Path.CurrentFileSystemLocation.ProviderPath;
        RepositoryLocation Locate(string? text) => RepositoryArgument.Resolve(text, path => Path.GetFullPath(path, here));
        bool IsMeant(StatusPlan plan) =>
            (Plan is null || Plan.Any(name => NamePattern.Of(name).IsMatch(plan.File.Name)))
            // Where a repository is named, what goes elsewhere is not meant. A plan that cannot be read might go anywhere.
            && (Repository is null || plan.File.Plan is not { } read || Locate(read.Repository).Text == repository!.Text);
        return new StatusRequest
        {
            Plans = [.. all.Where(IsMeant)],
            Locate = Locate,
            Repository = repository,
            IncludeOthers = Plan is null,
            Rpo = Rpo?.Value,
        };
    }

    private void RequirePlans(IReadOnlyList<StatusPlan> all)
    {
        foreach (string name in Plan ?? [])
        {
            if (!WildcardPattern.ContainsWildcardCharacters(name) && !all.Any(plan => plan.File.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                throw PlanStore.NotFound(name, [.. all.Select(plan => plan.File.Name)]);
        }
    }
}
