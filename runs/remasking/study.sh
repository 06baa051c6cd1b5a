# Remasking, learned and not, on Shakespeare by characters: bash study.sh FOLDER_OF_TEXT OUT [SEED]...
# Goes on where it was stopped: what is there is not made again. Numbers go to OUT/*.jsonl, a line each.
# Of other text, with other tokens and other numbers of steps: FILES= SIZE=4096 STEPS="8 64" bash study.sh …
set -euo pipefail
text=$1 out=$2
shift 2
mkdir -p "$out"
files=${FILES-shakespeare.txt}
common=("corpus.files=[$text/train/$files]" "corpus.valid=[$text/valid/$files]" "tokenizer.size=${SIZE:-265}"
    rows.length=128 training.compile=true evaluation.every=100000)

train() { # NAME RECIPE KNOB=VALUE...
    [ -f "$out/$1/final.json" ] || maskwright train "${@:2}" "${common[@]}" --out "$out/$1" --quiet
}

ask() { # FILE LABEL RUN SUITE ARGUMENT...
    grep -qs "^{\"label\": \"$2\"" "$out/$1.jsonl" ||
        maskwright evaluate "$out/$3" "${@:4}" --json | python -c "import json, sys; print(json.dumps({'label': '$2'} | json.load(sys.stdin)))" >> "$out/$1.jsonl"
}

for seed in "${@:-0}"; do
    u=unmask-$seed after=("training.init_from=$out/unmask-$seed" training.steps=700 optimizer.lr=0.004 "seed=$seed")
    errors="objective.corruption={random: 1, fragment: 1}"
    train "scorer-$seed" quickstart objective.name=causal optimizer.lr=0.008 optimizer.adamw_lr_ratio=1 training.steps=2000 "seed=$seed"
    train "$u" diffusion training.steps=2000 "seed=$seed"
    train "more-$seed" diffusion "${after[@]}"
    train "all-$seed" remask "${after[@]}" objective.ratio_per_row=uniform "$errors"
    train "corrupted-$seed" remask "${after[@]}" objective.ratio_per_row=uniform "$errors" objective.loss=corrupted_only
    train "binary-$seed" remask "${after[@]}" objective.ratio_per_row=uniform "$errors" objective.name=remask_binary
    train "synthetic-$seed" remask "${after[@]}" objective.ratio_per_row=uniform "objective.corruption={synthetic: 1}" "objective.generator_run=$out/$u"

    for remasker in all corrupted binary synthetic; do
        ask detection "$remasker-$seed" "$remasker-$seed" detection --data "$out/$u"
    done
    ask likelihood "causal-$seed" "scorer-$seed" likelihood
    ask likelihood "unmask-$seed" "$u" likelihood
    for steps in ${STEPS:-8 16 32 64 256}; do
        for sampler in mdlm renoise llada remdm; do
            ask generation "$sampler-$steps-$seed" "$u" generation "scorer=$out/scorer-$seed" "sampler=$sampler" "steps=$steps" length=64 "seed=$seed"
        done
        for remasker in all corrupted binary synthetic; do
            ask generation "learned_$remasker-$steps-$seed" "$u" generation "scorer=$out/scorer-$seed" sampler=learned \
                "remasker=$out/$remasker-$seed" "steps=$steps" length=64 "seed=$seed"
        done
    done

    for weight in 0.25 0.5 0.75; do
        rest=$(python -c "print(1 - $weight)")
        merge() { # METHOD WEIGHTS OPTION...
            name=$1-$weight-$seed
            [ -d "$out/$name" ] || maskwright merge "$out/$3" "$out/all-$seed" --method "$1" --weights "$2" "${@:4}" --out "$out/$name"
            ask merged_detection "$name" "$name" detection --data "$out/$u"
            ask merged_likelihood "$name" "$name" likelihood
        }
        merge average "$rest,$weight" "$u"
        merge slerp "$rest,$weight" "$u"
        merge task "1,$weight" "more-$seed" --base "$out/$u"
    done
done
