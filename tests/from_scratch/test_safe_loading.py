"""Files are data: what a stranger's file says is not run, what it wants is named, and files of one's own are read as Stable-Baselines3 reads them."""

import base64
import io
import json
import os
import pickle
import pickletools
import zipfile
from collections import deque

import cloudpickle
import numpy as np
import pytest
import sb3_contrib
import stable_baselines3 as sb3
import torch
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.envs import BitFlippingEnv
from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise, VectorizedActionNoise
from stable_baselines3.common.torch_layers import CombinedExtractor, FlattenExtractor
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecNormalize

import from_scratch as ours
from from_scratch.core.files import Reader, UnsafeFileError, load_pickle, load_vec_normalize
from from_scratch.core.rng import Stream
from from_scratch.noise import PinkActionNoise


def small(**more):
    """Arguments of PPO; SB3 writes into policy_kwargs."""
    return {"n_steps": 8, "batch_size": 8, "policy_kwargs": {"net_arch": [4]}, "device": "cpu", **more}


def off_policy(**more):
    """Of those with a replay memory."""
    return {"learning_starts": 8, "buffer_size": 50, "batch_size": 4, "policy_kwargs": {"net_arch": [4]}, "device": "cpu", **more}


# ------------------------------------------------------------------------------------------------------------------- pickles by hand
def named(module, name):
    """The orders that look up a name."""
    return b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name)) + b"\x93"


def value(x):
    """The orders that make a plain value."""
    return pickle.dumps(x, 3)[2:-1]


def called(function, *args):
    """The orders that call a function with plain values."""
    return function + value(args) + b"R"


def pickled(orders):
    return b"\x80\x04" + orders + b"."


class Payload:
    """Unpickling makes a folder."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return os.mkdir, (self.place,)


def gadgets(place):
    """Pickles that would make a folder, or reach for what could: by what they are, and what each is refused for."""
    place, foreign = str(place), pickle.dumps(Payload(place))
    box, schedule = named("gymnasium.spaces.box", "Box"), named("stable_baselines3.common.utils", "FloatSchedule")
    tensors = io.BytesIO()
    torch.save(Payload(place), tensors)
    wrapper, layer = named("stable_baselines3.common.vec_env.base_vec_env", "CloudpickleWrapper"), named("torch.nn.modules.linear", "Linear")
    pointers = named("numpy", "dtype") + value(("O8", False, True)) + b"R" + value((3, "|", None, None, None, -1, -1, 0)) + b"b"
    return {
        "a call of the system's": (pickle.dumps(Payload(place)), rf"{os.name}\.mkdir"),
        "eval": (pickled(called(named("builtins", "eval"), f"__import__('os').mkdir({place!r})")), r"builtins\.eval"),
        "getattr": (pickled(named("builtins", "getattr") + b"(" + box + value("sample") + b"tR"), r"builtins\.getattr"),
        "a method by a dotted name": (pickled(called(named("from_scratch.policies", "TabularPolicy.load"), place)), r"policies\.TabularPolicy\.load"),
        "a function of a known package": (pickled(called(named("stable_baselines3.common.save_util", "load_from_pkl"), place)), r"save_util\.load_from_pkl"),
        "a name that a known module has imported": (pickled(named("stable_baselines3.common.save_util", "io")), r"save_util\.io"),
        "a class that opens files": (pickled(called(named("stable_baselines3.common.logger", "HumanOutputFormat"), place)), r"logger\.HumanOutputFormat"),
        "a class that unpickles its state": (pickled(wrapper + b")\x81" + value(foreign) + b"b"), r"base_vec_env\.CloudpickleWrapper"),
        "a class that may only be named": (pickled(called(layer, 2, 2)), r"a call of torch\.nn\.modules\.linear\.Linear"),
        "an object of such a class": (pickled(layer + b")\x81"), r"an object of torch\.nn\.modules\.linear\.Linear"),
        "a module that changes others when imported": (pickled(named("from_scratch.zoo", "ALGOS")), r"from_scratch\.zoo\.ALGOS"),
        "a pickle within torch's": (pickled(called(named("torch.storage", "_load_from_bytes"), tensors.getvalue())), r"cannot be read \(UnpicklingError"),
        "hidden in a list, in a dict, in a deque": (pickle.dumps(deque([{"x": [Payload(place)]}])), rf"{os.name}\.mkdir"),
        "hidden in the state of a space": (pickled(box + b")\x81}" + value("low") + value(Payload(place)) + b"sb"), rf"{os.name}\.mkdir"),
        "a call of what an object became": (pickled(schedule + b")\x81" + value((1.0,)) + b"R"), "a call of FloatSchedule"),
        "items in a class's object": (pickled(box + b")\x81" + value("low") + value(1) + b"s"), r"items in gymnasium\.spaces\.box\.Box"),
        "an array of pointers": (
            pickled(named("numpy._core.numeric", "_frombuffer") + b"(" + value(bytes(8)) + pointers + value((1,)) + value("C") + b"tR"),
            "an array of what is no number",
        ),
        "an array of more than it has": (
            pickled(named("numpy._core.multiarray", "_reconstruct") + b"(" + named("numpy", "ndarray") + value((0,)) + value(b"b") + b"tR"
                    + b"(" + value(1) + value((9,)) + named("numpy", "dtype") + value(("f8", False, True)) + b"R" + value(False) + value(bytes(8)) + b"tb"),
            "an array whose content is not what it says",
        ),
        "a function, as cloudpickle writes it": (cloudpickle.dumps(lambda progress: os.mkdir(place)), "a function, which cloudpickle stores as code"),
        "an old order": (f"(S{place!r}\nios\nmkdir\n.".encode(), "an order of pickles that no file of models has"),
        "an outside object": (pickled(value("x") + b"Q"), "something outside of the file"),
    }  # fmt: skip


GADGETS = list(gadgets("x"))


# --------------------------------------------------------------------------------------------------------------------------- a stranger's
def with_member(file, target, member, content):
    """A model's zip with one member replaced."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name != member:
                new.writestr(name, old.read(name))
        new.writestr(member, content)


def with_data(file, target, name, orders):
    data = json.loads(zipfile.ZipFile(file).read("data"))
    data[name] = {":type:": "<class 'float'>", ":serialized:": base64.b64encode(orders).decode()}
    with_member(file, target, "data", json.dumps(data))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    ours.PPO("MlpPolicy", "CartPole-v1", **small()).learn(8).save(folder / "model")
    return folder / "model.zip"


@pytest.fixture
def ran(tmp_path):
    """The folder that a payload makes."""
    return tmp_path / "ran"


def refused(error):
    said = str(error.value)
    assert "\n" not in said and len(said) < 500
    return said


@pytest.mark.parametrize("gadget", GADGETS)
def test_a_model_s_pickle_is_not_run(gadget, original, tmp_path, ran):
    orders, wanted = gadgets(ran)[gadget]
    with_data(original, tmp_path / "evil.zip", "learning_rate", orders)
    with pytest.raises(ValueError, match=wanted) as error:
        ours.PPO.load(tmp_path / "evil.zip", device="cpu")
    assert f"{tmp_path / 'evil.zip'}: learning_rate in its member data" in refused(error)
    assert "custom_objects={'learning_rate': …}" in str(error.value) and not ran.exists()


@pytest.mark.parametrize("gadget", GADGETS)
def test_a_memory_s_pickle_is_not_run(gadget, tmp_path, ran):
    orders, wanted = gadgets(ran)[gadget]
    (tmp_path / "memory.pkl").write_bytes(orders)
    with pytest.raises(ValueError, match=wanted) as error:
        load_pickle(tmp_path / "memory.pkl")
    assert str(tmp_path / "memory.pkl") in refused(error) and not ran.exists()


def test_what_one_trusts_is_read_as_sb3_reads_it(original, tmp_path, ran):
    with_data(original, tmp_path / "own.zip", "learning_rate", pickle.dumps(Payload(ran)))
    with pytest.raises(UnsafeFileError, match="If you trust who did: trust=True"):
        ours.PPO.load(tmp_path / "own.zip", device="cpu")
    ours.PPO.load(tmp_path / "own.zip", device="cpu", trust=True, learning_rate=0.1)
    assert ran.exists()


def test_what_is_given_instead_is_not_read(original, tmp_path, ran):
    with_data(original, tmp_path / "evil.zip", "learning_rate", pickle.dumps(Payload(ran)))
    loaded = ours.PPO.load(tmp_path / "evil.zip", device="cpu", custom_objects={"learning_rate": 0.1})
    assert loaded.learning_rate == 0.1 and not ran.exists()


def test_a_replay_memory_is_refused_or_trusted_as_a_model_is(tmp_path, ran):
    model = ours.DQN("MlpPolicy", "CartPole-v1", **off_policy())
    (tmp_path / "memory.pkl").write_bytes(pickle.dumps(Payload(ran)))
    with pytest.raises(UnsafeFileError, match=rf"{os.name}\.mkdir"):
        model.load_replay_buffer(tmp_path / "memory.pkl")
    assert not ran.exists()
    with pytest.raises(ValueError, match="a ReplayBuffer"):
        model.load_replay_buffer(tmp_path / "memory.pkl", trust=True)
    assert ran.exists()


def test_the_normalisers_of_a_stack_are_refused_or_trusted_as_a_model_is(tmp_path, ran):
    env = [make_vec_env("CartPole-v1") for _ in range(2)]
    each = ours.PPO("MlpPolicy", lambda index: VecNormalize(env[index]), seeds=[0, 1], **small()).get_vec_normalize_env()
    (tmp_path / "normalisers.pkl").write_bytes(pickle.dumps(Payload(ran)))
    with pytest.raises(UnsafeFileError, match=rf"{os.name}\.mkdir"):
        each.load(tmp_path / "normalisers.pkl")
    assert not ran.exists()
    with pytest.raises(ValueError, match="not the normalisers of a stack"):
        each.load(tmp_path / "normalisers.pkl", trust=True)
    assert ran.exists()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning")
@pytest.mark.parametrize("member", ["pytorch_variables.pth", "policy.pth"])
@pytest.mark.parametrize("how", ["load", "load with trust", "set_parameters"])
def test_weights_are_tensors_alone_whoever_is_trusted(how, member, original, tmp_path, ran):
    with_member(original, tmp_path / "evil.zip", member, pickle.dumps(Payload(ran), 2))
    read = ours.PPO.load(original, device="cpu").set_parameters if how == "set_parameters" else ours.PPO.load
    with pytest.raises(UnsafeFileError, match=f"{tmp_path / 'evil.zip'}: its member {member} .*torch reads tensors alone") as error:
        read(tmp_path / "evil.zip", device="cpu", **({"trust": True} if how == "load with trust" else {}))
    assert refused(error) and not ran.exists()


def test_a_member_that_load_makes_anew_is_not_looked_at(original, tmp_path, ran):
    """Older versions of SB3 wrote lr_schedule as a function, and made it anew all the same."""
    with_data(original, tmp_path / "evil.zip", "lr_schedule", pickle.dumps(Payload(ran)))
    assert ours.PPO.load(tmp_path / "evil.zip", device="cpu").lr_schedule(1.0) == 3e-4 and not ran.exists()


def test_a_file_does_not_say_what_to_play(original, tmp_path):
    """Gymnasium imports what stands before the colon."""
    data = json.loads(zipfile.ZipFile(original).read("data")) | {"env": "antigravity:CartPole-v1"}
    with_member(original, tmp_path / "evil.zip", "data", json.dumps(data))
    with pytest.raises(UnsafeFileError, match="env in its member data names an environment"):
        ours.PPO.load(tmp_path / "evil.zip", device="cpu")


def test_what_is_no_zip_is_told_as_sb3_tells_it(tmp_path):
    (tmp_path / "model.zip").write_text("no zip")
    with pytest.raises(ValueError, match=r"Error: the file .*model wasn't a zip-file"):
        ours.PPO.load(tmp_path / "model", device="cpu")


def test_a_file_s_order_of_bytes_does_not_reach_numpy_s_own():
    big = pickle.loads(pickle.dumps(np.array([1.0, 2.0], ">f4")))
    assert Reader(io.BytesIO(pickle.dumps(big))).load().tolist() == [1.0, 2.0]
    assert np.dtype("f4").isnative and np.frombuffer(np.float32(1).tobytes(), "f4")[0] == 1


# --------------------------------------------------------------------------------------------------------------------------- one's own
class OwnPolicy(sb3.ppo.MlpPolicy):
    """A user's."""


def test_a_schedule_that_is_a_function_is_kept_and_read_back_by_who_trusts_it(tmp_path):
    ours.PPO("MlpPolicy", "CartPole-v1", learning_rate=lambda progress: 0.1 * progress, **small()).save(tmp_path / "model")
    with pytest.raises(UnsafeFileError, match="learning_rate in its member data wants a function, which cloudpickle stores as code"):
        ours.PPO.load(tmp_path / "model", device="cpu")
    assert ours.PPO.load(tmp_path / "model", device="cpu", trust=True).lr_schedule(0.5) == 0.05


def test_a_user_s_policy_is_trusted_or_given(tmp_path):
    ours.PPO(OwnPolicy, "CartPole-v1", **small()).save(tmp_path / "model")
    with pytest.raises(UnsafeFileError, match=r"policy_class in its member data wants .*test_safe_loading\.OwnPolicy"):
        ours.PPO.load(tmp_path / "model", device="cpu")
    for more in ({"trust": True}, {"custom_objects": {"policy_class": OwnPolicy}}):
        assert type(ours.PPO.load(tmp_path / "model", device="cpu", **more).policy) is OwnPolicy


@pytest.mark.parametrize("noise", [NormalActionNoise, OrnsteinUhlenbeckActionNoise, PinkActionNoise, VectorizedActionNoise])
def test_action_noise_is_data(noise, tmp_path):
    sigma = np.array([0.1])
    made = PinkActionNoise(sigma, 20) if noise is PinkActionNoise else NormalActionNoise(0 * sigma, sigma)
    made = OrnsteinUhlenbeckActionNoise(0 * sigma, sigma) if noise is OrnsteinUhlenbeckActionNoise else made
    made = VectorizedActionNoise(made, 2) if noise is VectorizedActionNoise else made
    ours.TD3("MlpPolicy", make_vec_env("Pendulum-v1", 2 if noise is VectorizedActionNoise else 1), action_noise=made, **off_policy()).save(tmp_path / "model")
    assert type(ours.TD3.load(tmp_path / "model", device="cpu").action_noise) is noise


def plain(name):
    """What SB3's users put into files by reference: schedules, layers, optimizers, extractors, several spaces, a hindsight memory."""
    if name == "PPO":
        layers = {"activation_fn": torch.nn.ELU, "optimizer_class": torch.optim.AdamW, "features_extractor_class": FlattenExtractor, "net_arch": {"pi": [4]}}
        rates = {"learning_rate": LinearSchedule(0.1, 0.0, 1.0), "clip_range": LinearSchedule(0.2, 0.1, 1.0)}
        return sb3.PPO("MlpPolicy", "CartPole-v1", **small(policy_kwargs=layers), **rates).learn(8)
    if name == "A2C":
        return sb3.A2C("MlpPolicy", "Pendulum-v1", use_rms_prop=False, use_sde=True, device="cpu", policy_kwargs={"net_arch": [4]}).learn(8)
    if name == "SAC":
        return sb3.SAC("MlpPolicy", "Pendulum-v1", ent_coef="auto_0.5", train_freq=(1, "episode"), **off_policy()).learn(20)
    goals = {"policy_kwargs": {"net_arch": [4], "features_extractor_class": CombinedExtractor}, "replay_buffer_class": sb3.HerReplayBuffer}
    env = BitFlippingEnv(n_bits=3, continuous=False)
    return sb3.DQN("MultiInputPolicy", env, replay_buffer_kwargs={"goal_selection_strategy": "final"}, **off_policy(**goals)).learn(20)


@pytest.mark.parametrize("name", ["PPO", "A2C", "SAC", "DQN"])
def test_files_of_plain_sb3_are_loaded(name, tmp_path):
    theirs = plain(name)
    theirs.save(tmp_path / "model")
    loaded = getattr(ours, name).load(tmp_path / "model", env=theirs.get_env(), device="cpu")
    assert all(torch.equal(x, theirs.policy.state_dict()[key]) for key, x in loaded.policy.state_dict().items())
    assert loaded.policy_class is theirs.policy_class and loaded.num_timesteps == theirs.num_timesteps
    if hasattr(theirs, "save_replay_buffer"):
        theirs.save_replay_buffer(tmp_path / "memory")
        loaded.load_replay_buffer(tmp_path / "memory")
        assert type(loaded.replay_buffer) is type(theirs.replay_buffer) and loaded.replay_buffer.size() == theirs.replay_buffer.size()


def test_files_of_plain_sb3_contrib_are_loaded(tmp_path):
    for name, env in (("ARS", "CartPole-v1"), ("TRPO", "CartPole-v1"), ("QRDQN", "CartPole-v1"), ("TQC", "Pendulum-v1")):
        theirs = getattr(sb3_contrib, name)("MlpPolicy", env, device="cpu", policy_kwargs={"net_arch": [4]})
        theirs.save(tmp_path / name)
        loaded = getattr(ours, name).load(tmp_path / name, device="cpu")
        assert all(torch.equal(x, theirs.policy.state_dict()[key]) for key, x in loaded.policy.state_dict().items())


def test_streams_that_older_versions_kept_as_tensors_are_read(tmp_path, monkeypatch):
    model = ours.PPO("MlpPolicy", "CartPole-v1", seeds=[3], **small()).learn(8)
    current = Stream.get_state
    monkeypatch.setattr(Stream, "get_state", lambda self: (torch.from_numpy(current(self)[0]), *current(self)[1:]))
    model.save(tmp_path / "model")
    monkeypatch.undo()
    data = json.loads(zipfile.ZipFile(tmp_path / "model.zip").read("data"))
    assert b"_load_from_bytes" in base64.b64decode(data["stream_states"][":serialized:"])
    loaded = ours.PPO.load(tmp_path / "model", env="CartPole-v1", device="cpu")
    assert [loaded._rng.coin().item() for _ in range(3)] == [model._rng.coin().item() for _ in range(3)]


def test_vecnormalize_is_read_as_data(tmp_path):
    env = VecNormalize(make_vec_env("CartPole-v1"), gamma=0.9)
    env.reset()
    env.save(str(tmp_path / "vecnormalize.pkl"))
    loaded = load_vec_normalize(tmp_path / "vecnormalize.pkl", make_vec_env("CartPole-v1"))
    assert loaded.gamma == 0.9 and np.array_equal(loaded.obs_rms.mean, env.obs_rms.mean) and loaded.reset().shape == (1, 4)


# ----------------------------------------------------------------------------------------------------- what SB3 may come to allow by itself
def names_in(orders):
    """The names that a pickle looks up. pickletools reads the orders and follows none."""
    texts, memo, found, before = [], [], set(), None
    for order, argument, _ in pickletools.genops(orders):
        if "UNICODE" in order.name:
            texts.append(argument)
        elif order.name == "MEMOIZE":
            memo.append(texts[-1] if before and "UNICODE" in before else None)
        elif order.name in ("BINGET", "LONG_BINGET"):
            texts.append(memo[argument])
        elif order.name == "STACK_GLOBAL":
            found.add(f"{texts[-2]}.{texts[-1]}")
        before = order.name
    return found


# Of the list that pull request 2264 of DLR-RM/stable-baselines3 proposed in 2026, what files of these classes have a use for.
PROPOSED = {
    *(f"gymnasium.spaces.{name}" for name in ("box.Box", "discrete.Discrete")),
    *(f"numpy.{name}" for name in ("dtype", "ndarray", "_core.multiarray._reconstruct", "_core.multiarray.scalar", "_core.numeric._frombuffer")),
    *(f"numpy.random.{name}" for name in ("_pcg64.PCG64", "_pickle.__bit_generator_ctor", "_pickle.__generator_ctor")),
    *(f"numpy.random.bit_generator.{name}" for name in ("SeedSequence", "__pyx_unpickle_SeedSequence")),
    *(f"stable_baselines3.common.{name}" for name in ("buffers.ReplayBuffer", "buffers.RolloutBuffer", "policies.ActorCriticPolicy")),
    *(f"stable_baselines3.common.type_aliases.{name}" for name in ("TrainFreq", "TrainFrequencyUnit")),
    *(f"stable_baselines3.common.utils.{name}" for name in ("ConstantSchedule", "FloatSchedule", "LinearSchedule")),
    *(f"stable_baselines3.{name}" for name in ("dqn.policies.DQNPolicy", "sac.policies.SACPolicy", "td3.policies.TD3Policy")),
    "collections.deque", "torch.device", "torch.optim.rmsprop.RMSprop",
}  # fmt: skip


@pytest.mark.parametrize("name", ["A2C", "PPO", "DQN", "DDPG", "TD3", "SAC"])
@pytest.mark.parametrize("seeds", [None, [3]], ids=["seed", "seeds"])
def test_our_files_need_no_more_than_sb3_s_proposed_list(name, seeds, tmp_path):
    env = "CartPole-v1" if name in ("A2C", "PPO", "DQN") else "Pendulum-v1"
    more = off_policy() if name not in ("A2C", "PPO") else small() if name == "PPO" else {"n_steps": 8, "device": "cpu", "policy_kwargs": {"net_arch": [4]}}
    model = getattr(ours, name)("MlpPolicy", env, seeds=seeds, **({"seed": 0} if seeds is None else {}), **more).learn(12)
    model.save(tmp_path / "model")
    data = json.loads(zipfile.ZipFile(tmp_path / "model.zip").read("data"))
    pickles = [base64.b64decode(each[":serialized:"]) for each in data.values() if isinstance(each, dict) and ":serialized:" in each]
    if hasattr(model, "save_replay_buffer"):
        model.save_replay_buffer(tmp_path / "memory")
        pickles.append((tmp_path / "memory.pkl").read_bytes())
    assert len(pickles) > 4 and set().union(*map(names_in, pickles)) <= PROPOSED
