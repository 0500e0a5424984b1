using DbBackup.Engine.Migrations;

namespace DbBackup.Upgrades.Deployments;

/// <summary>The code of the new version, queried in a temporary container of its image.</summary>
internal sealed class DeployedCode(IDeployment deployment, string description) : CodePlace
{
    public override string Description => description;

    public override async Task<(int ExitCode, string Output, string Errors)> RunAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        try
        {
            return (0, await deployment.RunAsync(string.Join(' ', command), null, null, SilentObserver.Instance, cancellationToken).ConfigureAwait(false), string.Empty);
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.UpgradeStepFailed)
        {
            return (1, string.Empty, failure.Message);
        }
    }
}
