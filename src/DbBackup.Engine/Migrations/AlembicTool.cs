using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Migrations;

/// <summary>Alembic, beside the code whose <c>alembic.ini</c> names the migrations.</summary>
/// <param name="place">Where the code is.</param>
/// <param name="command">How it is started there: <c>alembic</c>, or with what must come before it.</param>
internal sealed class AlembicTool(CodePlace place, IReadOnlyList<string> command) : IMigrationTool
{
    public async Task<MigrationHistory> HistoryAsync(CancellationToken cancellationToken)
    {
        (int exitCode, string output, string errors) = await place.RunAsync([.. command, "history"], cancellationToken).ConfigureAwait(false);
        if (exitCode == 0)
            return AlembicHistory.Parse(output);
        if (exitCode is ContainerProgram.NotFoundExitCode or ContainerProgram.NotExecutableExitCode)
        {
            throw new BackupFailure(
                ErrorCodes.ToolMissing,
                FailureCategory.MissingTool,
                $"{command[0]} cannot be started in {place.Description}.",
                "Install it there, name the container or folder of the application, or say how it is started with -MigrationTool (as in 'uv run alembic').")
            { Target = command[0] };
        }

        string words = errors.Length > 0 ? errors : output.Trim();
        throw new BackupFailure(
            ErrorCodes.MigrationsUnreadable,
            FailureCategory.InvalidData,
            FormattableString.Invariant($"The migrations in {place.Description} cannot be read: '{string.Join(' ', command)} history' ended with exit code {exitCode}: {words}"),
            "Name the folder that holds alembic.ini (-MigrationPath; in a container a folder of it), and try the command there by hand.")
        { Target = place.Description };
    }
}
