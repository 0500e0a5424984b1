using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Plans.Definitions;

/// <summary>Where the plans of a user or of the machine lie, and the records of their runs.</summary>
/// <param name="Scope">Whose they are.</param>
/// <param name="Plans">The folder of the plans.</param>
/// <param name="Runs">The folder of the records.</param>
public sealed record PlanFolders(PlanScope Scope, string Plans, string Runs)
{
    /// <summary>The environment variable that names another folder for the user's plans and their runs.</summary>
    public const string EnvironmentVariable = "DBBACKUP_PLANS";

    // https://refspecs.linuxfoundation.org/FHS_3.0/fhs/index.html: configuration in /etc, state in /var/lib.
    private const string UnixConfiguration = "/etc/dbbackup/plans";
    private const string UnixState = "/var/lib/dbbackup/runs";

    /// <summary>Those of a scope.</summary>
    /// <exception cref="BackupException">The user has no home.</exception>
    public static PlanFolders Of(PlanScope scope)
    {
        if (scope == PlanScope.Machine)
        {
            if (!OperatingSystem.IsWindows())
                return new PlanFolders(scope, UnixConfiguration, UnixState);
            string data = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData), "DbBackup");
            return new PlanFolders(scope, Path.Combine(data, "plans"), Path.Combine(data, "runs"));
        }

        if (Environment.GetEnvironmentVariable(EnvironmentVariable) is { Length: > 0 } named)
            return At(Path.GetFullPath(named));
        return UserDataFolder.Find("plans") is { } plans && UserDataFolder.Find("runs") is { } runs
            ? new PlanFolders(scope, plans, runs)
            : throw new BackupFailure(
                ErrorCodes.PlanNotFound, FailureCategory.NotFound, "The user has no home folder, in which plans lie.", UserDataFolder.Hint);
    }

    /// <summary>A folder of plans, with their runs below it.</summary>
    public static PlanFolders At(string folder) => new(PlanScope.User, folder, Path.Combine(folder, "runs"));
}
