using System.Collections;
using System.Management.Automation;
using DbBackup.Engine.Repository;

namespace DbBackup.PowerShell.Plans;

/// <summary>Puts the parameters of Register- and Set-DbBackupPlan into a plan.</summary>
/// <param name="given">The parameters' names that were given.</param>
/// <param name="newDbBackup">New-DbBackup.</param>
/// <param name="resolvePath">Makes a path absolute.</param>
/// <param name="resolveProject">Makes a compose project's folder absolute.</param>
internal sealed class PlanDraft(IReadOnlySet<string> given, CommandInfo newDbBackup, Func<string, string> resolvePath, Func<string, string> resolveProject)
{
    /// <summary>Returns the plan with the parameters in it that were given.</summary>
    /// <exception cref="BackupException">One cannot be used.</exception>
    public BackupPlan Apply(BackupPlan plan, PlanParameters said)
    {
        T Of<T>(string name, T present, Func<T> value) => given.Contains(name) ? value() : present;
        return plan with
        {
            Description = Of(nameof(said.Description), plan.Description, () => Text(said.Description)),
            Backup = Of(nameof(said.Backup), plan.Backup, () => [.. said.Backup!.Select(entry => PlanEntry.Read(entry, newDbBackup, resolvePath, resolveProject))]),
            Repository = Of(nameof(said.Repository), plan.Repository, () => Place(said.Repository)),
            CopyTo = Of(nameof(said.CopyTo), plan.CopyTo, () => [.. (said.CopyTo ?? []).Select(ToCopy)]),
            Retention = Of(nameof(said.Retention), plan.Retention, () => RetentionArgument.ToText(said.Retention)),
            TestEvery = Of(nameof(said.TestEvery), plan.TestEvery, () => Time(said.TestEvery, nameof(said.TestEvery))),
            RestoreTestEvery = Of(nameof(said.RestoreTestEvery), plan.RestoreTestEvery, () => Time(said.RestoreTestEvery, nameof(said.RestoreTestEvery))),
            Schedule = Of(nameof(said.Schedule), plan.Schedule, () => said.Schedule ?? []),
            TimeZone = Of(nameof(said.TimeZone), plan.TimeZone, () => Text(said.TimeZone)),
            Rpo = Of(nameof(said.Rpo), plan.Rpo, () => Time(said.Rpo, nameof(said.Rpo))),
            BeforeCommand = Of(nameof(said.BeforeCommand), plan.BeforeCommand, () => Hook(said.BeforeCommand, nameof(said.BeforeCommand))),
            AfterCommand = Of(nameof(said.AfterCommand), plan.AfterCommand, () => Hook(said.AfterCommand, nameof(said.AfterCommand))),
            FailureCommand = Of(nameof(said.FailureCommand), plan.FailureCommand, () => Hook(said.FailureCommand, nameof(said.FailureCommand))),
            Notify = Of(nameof(said.Notify), plan.Notify, () => [.. (said.Notify ?? []).Select(NotificationArgument.Read)]),
            MetricsPath = Of(nameof(said.MetricsPath), plan.MetricsPath, () => Text(said.MetricsPath) is { } path ? resolvePath(path) : null),
            HealthPath = Of(nameof(said.HealthPath), plan.HealthPath, () => Text(said.HealthPath) is { } path ? resolvePath(path) : null),
        };
    }

    private string? Place(string? text) => Text(text) is not { } place ? null
        : SecretText.Masked(place) != place ? throw Secret("a repository's location")
        : RepositoryLocation.Parse(place, resolvePath).Text;

    // A location, or @{ Repository = …; Retention = … }.
    private PlanCopy ToCopy(object given)
    {
        object value = given is PSObject wrapped ? wrapped.BaseObject : given;
        if (value is not IDictionary table)
            return new PlanCopy { Repository = Place($"{value}") ?? throw WrongCopy("is empty") };
        string? repository = null;
        string? retention = null;
        foreach (DictionaryEntry pair in table)
        {
            string name = $"{pair.Key}";
            if (name.Equals(nameof(PlanCopy.Repository), StringComparison.OrdinalIgnoreCase))
                repository = Place($"{pair.Value}");
            else if (name.Equals(nameof(PlanCopy.Retention), StringComparison.OrdinalIgnoreCase))
                retention = RetentionArgument.ToText(pair.Value);
            else
                throw WrongCopy($"has '{name}', which is neither Repository nor Retention");
        }

        return new PlanCopy { Repository = repository ?? throw WrongCopy("names no Repository"), Retention = retention };
    }

    private static string? Text(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private static string? Hook(string? text, string parameter) => Text(text) is { } line && SecretText.Masked(line) != line ? throw Secret("-" + parameter) : Text(text);

    private static TimeSpan? Time(BackupAge? age, string parameter) => age is null ? null
        : age.Value.Value > TimeSpan.Zero ? age.Value.Value
        : throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"-{parameter} is not longer than nothing.", "Write a time such as 7d, or $null for never.");

    private static BackupFailure Secret(string what) => new(
        ErrorCodes.SecretInPlan, FailureCategory.InvalidArgument, $"There is a password in {what}, and a plan holds no secrets.", "Take it from an environment variable, a file or a vault.");

    private static BackupFailure WrongCopy(string what) => new(
        ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"An item of -CopyTo {what}.", "Name a repository, or write @{ Repository = 's3://backups/shop'; Retention = '30d,12m' }.");
}
