using System.Management.Automation;
using System.Management.Automation.Runspaces;
using DbBackup.Engine.Plans.Runs;
using DbBackup.Engine.Plans.Secrets;
using PowerShellPipeline = System.Management.Automation.PowerShell;

namespace DbBackup.PowerShell.Plans;

/// <summary>
/// A runspace with this module and nothing of the session's: no default values of parameters, no functions of the same name, no preferences,
/// and nobody to ask. So a plan does at a prompt what it does at night. It runs on the caller's thread.
/// </summary>
internal sealed class PlanRunspace : IDisposable
{
    private readonly Runspace _runspace;
    private readonly Lock _gate = new();
    private PowerShellPipeline? _running;
    private bool _stopped;

    /// <summary>Opens it.</summary>
    /// <param name="module">The module's manifest or assembly.</param>
    public PlanRunspace(string module)
    {
        var state = InitialSessionState.CreateDefault2();
        state.ImportPSModule([module]);
        _runspace = RunspaceFactory.CreateRunspace(state);
        _runspace.ThreadOptions = PSThreadOptions.UseCurrentThread;
        _runspace.Open();
    }

    /// <summary>Runs a command to its end.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="parameters">Its parameters, with references to secrets, which are fetched.</param>
    /// <param name="verbose">Receives verbose messages.</param>
    /// <param name="warning">Receives warnings.</param>
    /// <param name="progress">Receives progress.</param>
    public PlanCommandResult Run(
        string command, IReadOnlyDictionary<string, object?> parameters, Action<string> verbose, Action<string> warning, Action<ProgressRecord> progress)
    {
        using PowerShellPipeline pipeline = Begin();
        try
        {
            pipeline.AddCommand("DbBackup\\" + command);
            foreach ((string name, object? value) in parameters)
                pipeline.AddParameter(name, PlanValues.ForCommand(name, value, FromShell));
            pipeline.AddParameter("Verbose", true);
        }
        catch (BackupException failure)
        {
            return new PlanCommandResult([], [PlanFailure.Of(failure)], []);
        }

        var warnings = new List<string>();
        pipeline.Streams.Verbose.DataAdded += (_, added) => verbose(pipeline.Streams.Verbose[added.Index].Message);
        pipeline.Streams.Progress.DataAdded += (_, added) => progress(pipeline.Streams.Progress[added.Index]);
        pipeline.Streams.Warning.DataAdded += (_, added) =>
        {
            string text = pipeline.Streams.Warning[added.Index].Message;
            warnings.Add(text);
            warning(text);
        };
        var failures = new List<PlanFailure>();
        object[] output = [];
        try
        {
            output = [.. pipeline.Invoke().Where(item => item is not null).Select(item => item.BaseObject)];
        }
        catch (RuntimeException exception) when (exception is not PipelineStoppedException)
        {
            failures.Add(ToFailure(exception.ErrorRecord));
        }
        finally
        {
            End();
        }

        failures.InsertRange(0, pipeline.Streams.Error.Select(ToFailure));
        return new PlanCommandResult(output, failures, warnings);
    }

    /// <summary>Stops what is running. Called from another thread.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _stopped = true;
            _running?.BeginStop(null, null);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _runspace.Dispose();

    /// <summary>Fetches a secret that only PowerShell can reach.</summary>
    /// <exception cref="BackupException">It is not there.</exception>
    public string FromShell(SecretReference secret)
    {
        using PowerShellPipeline pipeline = Begin();
        try
        {
            if (secret.Kind == SecretReference.OfVault)
            {
                string[] parts = secret.Place.Split('/', 2);
                pipeline.AddCommand("Get-Secret").AddParameter("Name", parts[^1]).AddParameter("AsPlainText", true);
                if (parts.Length == 2)
                    pipeline.AddParameter("Vault", parts[0]);
            }
            else if (OperatingSystem.IsWindows())
            {
                pipeline.AddCommand("ConvertTo-SecureString").AddParameter("String", secret.Place).AddCommand("ConvertFrom-SecureString").AddParameter("AsPlainText", true);
            }
            else
            {
                throw secret.Missing("only Windows can read it", "Use env:, file: or vault: here.");
            }

            object? value = pipeline.Invoke().FirstOrDefault()?.BaseObject;
            return value as string ?? throw secret.Missing(
                pipeline.Streams.Error.FirstOrDefault()?.ToString().TrimEnd('.') ?? "it is no text", "Store it with Set-Secret, as a text.");
        }
        catch (CommandNotFoundException exception)
        {
            throw secret.Missing("Get-Secret is not installed", "Install-PSResource Microsoft.PowerShell.SecretManagement and a vault, or use env: or file:.", exception);
        }
        catch (RuntimeException exception) when (exception is not PipelineStoppedException)
        {
            throw secret.Missing(exception.Message.TrimEnd('.'), "Try Get-Secret as the same user.", exception);
        }
        finally
        {
            End();
        }
    }

    private static PlanFailure ToFailure(ErrorRecord record) => new(record.ErrorDetails?.Message ?? record.Exception.Message, record.ErrorDetails?.RecommendedAction);

    private PowerShellPipeline Begin()
    {
        var pipeline = PowerShellPipeline.Create();
        pipeline.Runspace = _runspace;
        lock (_gate)
        {
            if (_stopped)
            {
                pipeline.Dispose();
                throw new PipelineStoppedException();
            }

            return _running = pipeline;
        }
    }

    private void End()
    {
        lock (_gate)
            _running = null;
    }
}
