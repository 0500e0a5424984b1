namespace DbBackup.Engine.Payloads;

/// <summary>Hands the bytes done in one stream on to the observer, in order and without a thread of its own.</summary>
internal sealed class PayloadProgress(IOperationObserver observer, string activity, string step, long? total) : IProgress<long>
{
    public void Report(long value) => observer.Progress(new OperationProgress(activity, step, value, total));
}
