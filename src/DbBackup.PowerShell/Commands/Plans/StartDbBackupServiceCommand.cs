using System.Management.Automation;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Service;
using DbBackup.PowerShell.Plans;

namespace DbBackup.PowerShell.Commands;

/// <summary>Runs plans at their times, in the foreground, until it is stopped.</summary>
[Cmdlet(VerbsLifecycle.Start, "DbBackupService", SupportsShouldProcess = true, DefaultParameterSetName = ScopeSet)]
[OutputType(typeof(string))]
public sealed class StartDbBackupServiceCommand : PlanCommandBase
{
    private const string ScopeSet = "Scope";
    private const string PathSet = "Path";
    private const int UsualPort = 8080;

    /// <summary>A folder of plans; the records of their runs are below it.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = PathSet)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = string.Empty;

    /// <summary>The user's plans, or the machine's; both without it.</summary>
    [Parameter(ParameterSetName = ScopeSet)]
    public PlanScope? Scope { get; set; }

    /// <summary>The port for /health and /metrics; 8080 without it.</summary>
    [Parameter]
    [ValidateRange(1, 65535)]
    public int? Port { get; set; }

    /// <summary>The address for /health and /metrics; 0.0.0.0 for all of the machine's.</summary>
    [Parameter]
    [ValidateNotNull]
    public IPAddress ListenAddress { get; set; } = IPAddress.Loopback;

    /// <inheritdoc/>
    protected override void ProcessRecord() => TryEach(null, () =>
    {
        IReadOnlyList<PlanFolders> folders = ParameterSetName == PathSet ? [Named(ResolvePath(Path))] : [.. Stores(Scope).Select(store => store.Folders)];
        string where = string.Join(" and ", folders.Select(each => $"'{each.Plans}'"));
        if (!ShouldProcess($"the plans in {where}", "Run at their times"))
            return;
        var service = new PlanService(new ServiceOptions
        {
            Folders = folders,
            Shell = PlanSchedulers.Shell,
            Module = ModulePath,
            Listen = new IPEndPoint(ListenAddress, Port ?? UsualPort),
        });
        RunEach((_, token) => Lines(service, token), WriteObject);
    });

    private static async IAsyncEnumerable<string> Lines(PlanService service, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // A container engine or systemd ends a service with this signal, which would end the shell at once.
        using PosixSignalRegistration? signal = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        Channel<string> lines = Channel.CreateUnbounded<string>();
        Task work = Task.Run(
            async () =>
            {
                try
                {
                    await service.RunAsync(line => lines.Writer.TryWrite(line), stop.Token).ConfigureAwait(false);
                }
                finally
                {
                    lines.Writer.Complete();
                }
            },
            CancellationToken.None);
        // To the end of the service, which waits for what it has stopped.
        await foreach (string line in lines.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            yield return line;
        await work.ConfigureAwait(false);
    }

    private static PlanFolders Named(string path) => Directory.Exists(path) ? PlanFolders.At(path) : throw new BackupFailure(
        ErrorCodes.PlanNotFound, FailureCategory.NotFound, $"The folder '{path}' does not exist.", "Name a folder with a file for each plan.")
    { Target = path };
}
