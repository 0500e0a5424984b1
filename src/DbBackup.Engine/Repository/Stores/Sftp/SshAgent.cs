using System.Buffers.Binary;
using System.IO.Pipes;
using System.Net.Sockets;
using System.Text;
using Renci.SshNet;
using Renci.SshNet.Security;

namespace DbBackup.Engine.Repository.Stores.Sftp;

/// <summary>
/// The user's ssh-agent (draft-miller-ssh-agent): it lists its keys and signs with them, so that no private key is read here. On Windows it is
/// the service of OpenSSH.
/// </summary>
internal sealed class SshAgent
{
    private const byte RequestIdentities = 11;
    private const byte IdentitiesAnswer = 12;
    private const byte SignRequest = 13;
    private const byte SignResponse = 14;

    // An answer has the keys, and no more.
    private const int LargestAnswer = 256 << 10;

    // A key in hardware waits for a touch.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _address;

    private SshAgent(string address) => _address = address;

    /// <summary>Returns the agent; null where the user has none.</summary>
    public static SshAgent? Find()
    {
        string? address = Environment.GetEnvironmentVariable("SSH_AUTH_SOCK");
        if (OperatingSystem.IsWindows())
            return File.Exists(@"\\.\pipe\openssh-ssh-agent") ? new SshAgent("openssh-ssh-agent") : null;
        return address is { Length: > 0 } && File.Exists(address) ? new SshAgent(address) : null;
    }

    /// <summary>The agent's keys.</summary>
    /// <exception cref="IOException">It does not answer.</exception>
    public IReadOnlyList<AgentKey> ListKeys()
    {
        byte[] answer = Ask([RequestIdentities], IdentitiesAnswer);
        var keys = new List<AgentKey>();
        int at = 1;
        uint count = ReadNumber(answer, ref at);
        for (uint i = 0; i < count; i++)
        {
            byte[] key = ReadBytes(answer, ref at);
            ReadBytes(answer, ref at);
            keys.Add(new AgentKey(this, key));
        }

        return keys;
    }

    /// <summary>Has the agent sign.</summary>
    /// <param name="key">The public key.</param>
    /// <param name="data">What is signed.</param>
    /// <param name="flags">2 for SHA-256 and 4 for SHA-512 with an RSA key; else 0.</param>
    /// <returns>The signature, in the form of the protocol.</returns>
    /// <exception cref="IOException">It does not answer, or refuses.</exception>
    public byte[] Sign(byte[] key, byte[] data, uint flags)
    {
        byte[] request = new byte[1 + 4 + key.Length + 4 + data.Length + 4];
        request[0] = SignRequest;
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(1), key.Length);
        key.CopyTo(request.AsSpan(5));
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(5 + key.Length), data.Length);
        data.CopyTo(request.AsSpan(9 + key.Length));
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(request.Length - 4), flags);
        int at = 1;
        return ReadBytes(Ask(request, SignResponse), ref at);
    }

    private byte[] Ask(byte[] request, byte expected)
    {
        using Stream agent = Connect();
        byte[] message = new byte[4 + request.Length];
        BinaryPrimitives.WriteInt32BigEndian(message, request.Length);
        request.CopyTo(message.AsSpan(4));
        agent.Write(message);
        agent.Flush();
        byte[] head = new byte[4];
        agent.ReadExactly(head);
        int length = BinaryPrimitives.ReadInt32BigEndian(head);
        if (length is < 1 or > LargestAnswer)
            throw new IOException("the ssh-agent's answer has no valid length");
        byte[] answer = new byte[length];
        agent.ReadExactly(answer);
        return answer[0] == expected ? answer : throw new IOException("the ssh-agent refuses");
    }

    private Stream Connect()
    {
        if (OperatingSystem.IsWindows())
        {
            var pipe = new NamedPipeClientStream(".", _address, PipeDirection.InOut);
            pipe.Connect(2000);
            return pipe;
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = (int)s_patience.TotalMilliseconds };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(_address));
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new IOException($"the ssh-agent at '{_address}' does not answer: {exception.Message}", exception);
        }

        return new NetworkStream(socket, ownsSocket: true);
    }

    internal static byte[] ReadBytes(byte[] from, ref int at)
    {
        uint length = ReadNumber(from, ref at);
        if (length > from.Length - at)
            throw new IOException("the ssh-agent's answer is cut off");
        byte[] bytes = from[at..(at + (int)length)];
        at += (int)length;
        return bytes;
    }

    private static uint ReadNumber(byte[] from, ref int at)
    {
        if (from.Length - at < 4)
            throw new IOException("the ssh-agent's answer is cut off");
        uint number = BinaryPrimitives.ReadUInt32BigEndian(from.AsSpan(at));
        at += 4;
        return number;
    }
}

/// <summary>A key that an agent holds.</summary>
internal sealed class AgentKey : IPrivateKeySource
{
    private const string Rsa = "ssh-rsa";

    /// <summary>Creates it.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="key">The public key, in the form of the protocol.</param>
    public AgentKey(SshAgent agent, byte[] key)
    {
        int at = 0;
        string type = Encoding.ASCII.GetString(SshAgent.ReadBytes(key, ref at));
        // With SHA-1, which the type's own name stands for, servers accept RSA no longer.
        HostKeyAlgorithms = type == Rsa
            ? [new AgentAlgorithm(agent, key, "rsa-sha2-512", 4), new AgentAlgorithm(agent, key, "rsa-sha2-256", 2)]
            : [new AgentAlgorithm(agent, key, type, 0)];
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<HostAlgorithm> HostKeyAlgorithms { get; }

    private sealed class AgentAlgorithm(SshAgent agent, byte[] key, string name, uint flags) : HostAlgorithm(name)
    {
        public override byte[] Data => key;

        public override byte[] Sign(byte[] data) => agent.Sign(key, data, flags);

        public override bool VerifySignature(byte[] data, byte[] signature) => throw new NotSupportedException();
    }
}
